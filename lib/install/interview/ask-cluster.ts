import { tokenFlaw } from "../../config/schema/flaws.ts";
import { textProblem } from "../../config/schema/scalars.ts";
import { SCHEMA } from "../../config/schema/schema.ts";
import { hasConfigFile, isSet, type Step, withK3os } from "./step.ts";

/** The role of the node in its cluster. A node with a configured server to join is an agent. */
export const role: Step = {
  skip: (known) => known.role !== undefined || hasConfigFile(known),
  ask: async (_known, asker) => ({
    role: await asker.choose("Run as server or agent?", [
      { name: "server", value: "server", description: "The first node of a cluster of its own." },
      { name: "agent", value: "agent", description: "Joins the cluster of a server." },
    ]),
  }),
};

export const serverUrl: Step = {
  skip: (known) => known.role !== "agent" || hasConfigFile(known) || isSet(known.config.k3os?.serverUrl),
  ask: async ({ config }, asker) => {
    const url = await asker.text("URL of server (https://NAME:6443)", urlProblem);
    return { config: withK3os(config, { serverUrl: url.trim() }) };
  },
};

/** Joining requires the secret of the cluster; a server without one generates it. */
export const token: Step = {
  skip: (known) => known.role === undefined || hasConfigFile(known) || isSet(known.config.k3os?.token),
  ask: async ({ role, config }, asker) => {
    const message = `Token or cluster secret${role === "agent" ? "" : " (optional)"}`;
    const answer = await asker.secret(message, (typed) => {
      return typed.trim() === "" && role === "agent"
        ? "Expected the token of the server"
        : tokenProblem(typed);
    });
    return answer.trim() === "" ? {} : { config: withK3os(config, { token: answer.trim() }) };
  },
};

const SERVER_URL = SCHEMA.fields.k3os.fields.serverUrl;

export function urlProblem(answer: string): string | undefined {
  return answer.trim() === "" ? "Expected the URL of a server" : textProblem(SERVER_URL, answer.trim());
}

/** Typed secrets rarely contain spaces or other alphabets, though k3s would accept them. */
export function tokenProblem(answer: string): string | undefined {
  const text = answer.trim();
  return /[^!-~]/.test(text) ? "Expected ASCII characters without spaces" : tokenFlaw(text)?.message;
}
