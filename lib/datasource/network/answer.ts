import { networkInterfaces } from "node:os";
import { within } from "../../tools/host/within.ts";
import { HttpError } from "../../tools/http/http.ts";
import { decodeExactBase64 } from "../../tools/text/base64.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { Access, Question } from "../data-source.ts";
import { type JsonObject, parseObject } from "../json.ts";

/** The answer as text without blanks around it; undefined where there is none, or it is empty. */
export async function askText(url: string, question: Question, access: Access): Promise<string | undefined> {
  const text = (await access.fetch(url, question))?.toString("utf8").trim() ?? "";
  return text === "" ? undefined : text;
}

/** The answer as a JSON object; undefined where there is none. Throws on anything else. */
export async function askJson(
  url: string,
  question: Question,
  access: Access,
): Promise<JsonObject | undefined> {
  const bytes = await access.fetch(url, question);
  return bytes === undefined ? undefined : parseObject(bytes, url);
}

/** The facts that are known. */
export function factsOf(
  facts: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(known) as Record<string, string>;
}

/** Milliseconds that something optional may hold up what the source says else. */
const OPTIONAL_LIMIT = 15_000;

/** Asks for something that may be missing, fail, or never come, without harm to what else the source says. */
export async function optional<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  access: Pick<Access, "ignored">,
): Promise<T | undefined> {
  try {
    return await within(OPTIONAL_LIMIT, ask(), () => {
      throw new CommandError(`not there within ${OPTIONAL_LIMIT / 1000} s`);
    });
  } catch (error) {
    access.ignored(`${what}: ${messageOf(error)}`);
    return undefined;
  }
}

/** Interfaces of containers and of loopback, behind which there is no cloud. */
const NO_LINK = /^(?:lo$|veth|cni|flannel|cali|docker)/;

/** An address with the zone `*` stands for one behind each interface: only the link knows which of them is right. */
function expandZone(base: string): string[] {
  if (!base.includes("%25*")) return [base];
  const links = Object.entries(networkInterfaces()).filter(([name, addresses = []]) => {
    return !NO_LINK.test(name) && addresses.some(({ address }) => /^fe80:/i.test(address));
  });
  return links.map(([name]) => base.replace("%25*", `%25${name}`));
}

export interface Reached {
  /** The address that answered. */
  readonly base: string;
  readonly content: Buffer | undefined;
}

/**
 * Asks the same of all addresses of a source at once (IPv4 and IPv6, say) and goes on with the one that answers first;
 * a refusal is an answer too. Throws what the first address gave if none answers.
 */
export async function reach(
  bases: readonly string[],
  path: string,
  question: Question,
  access: Access,
): Promise<Reached> {
  const over = new AbortController();
  const failures: unknown[] = [];
  const tries = bases.flatMap(expandZone).map(async (base, index): Promise<Reached | HttpError> => {
    try {
      return { base, content: await access.fetch(`${base}${path}`, { ...question, signal: over.signal }) };
    } catch (error) {
      if (error instanceof HttpError && error.status !== undefined) return error;
      failures[index] = error;
      throw error;
    }
  });
  const first = await Promise.any(tries).catch(() => undefined);
  over.abort();
  if (first === undefined) throw failures[0];
  if (first instanceof HttpError) throw first;
  return first;
}

/** The bytes behind text that is base64 and nothing else, but for line breaks; undefined if it is something else. */
export function decodeWhole(text: string): Buffer | undefined {
  return decodeExactBase64(text.replace(/\s+/g, ""));
}
