import { hasConfigFile, isSet, type Step, withK3os } from "./step.ts";

/** What the node is in its cluster. One that is configured with a server to join is an agent. */
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

/** Nobody joins without the secret of the cluster; a server without one makes one up. */
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

/** k3s joins by https only (pkg/clientaccess/token.go, ParseAndValidateToken). */
export function urlProblem(answer: string): string | undefined {
  const url = URL.canParse(answer.trim()) ? new URL(answer.trim()) : undefined;
  return url?.protocol === "https:" && url.hostname !== "" && !/\s/.test(answer.trim())
    ? undefined
    : "Expected an https URL such as https://server.example.com:6443";
}

/**
 * Any secret will do, but what begins with K10 is read as a node token: the SHA-256 of the server's certificates in 64
 * digits, and a secret (k3s, pkg/clientaccess/token.go, parseToken).
 */
export function tokenProblem(answer: string): string | undefined {
  const text = answer.trim();
  if (/[^!-~]/.test(text)) return "Expected ASCII characters without blanks";
  if (!text.startsWith("K10") || /^K10[0-9a-f]{64}::[^:]+(?::.+)?$/i.test(text)) return undefined;
  return "Expected K10, 64 hexadecimal digits, :: and a secret, as in the server's node-token file";
}
