import { networkInterfaces } from "node:os";
import { within } from "../../tools/host/within.ts";
import { HttpError } from "../../tools/http/http.ts";
import { decodeExactBase64 } from "../../tools/text/base64.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { Access, Question } from "../data-source.ts";
import { type JsonObject, parseObject } from "../json.ts";

/** The answer as trimmed text; undefined if there is none or it is empty. */
export async function askText(url: string, question: Question, access: Access): Promise<string | undefined> {
  const text = (await access.fetch(url, question))?.toString("utf8").trim() ?? "";
  return text === "" ? undefined : text;
}

/** The answer as a JSON object; undefined if there is none. Throws on anything else. */
export async function askJson(
  url: string,
  question: Question,
  access: Access,
): Promise<JsonObject | undefined> {
  const bytes = await access.fetch(url, question);
  return bytes === undefined ? undefined : parseObject(bytes, url);
}

/** The facts with a value. */
export function factsOf(
  facts: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(known) as Record<string, string>;
}

/** Milliseconds that optional data may delay the rest of a source's answer. */
const OPTIONAL_LIMIT = 15_000;

/** Requests data that may be missing, fail or never arrive, without effect on the rest of the answer. */
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

/** Interfaces of containers and loopback, which lead to no cloud. */
const NO_LINK = /^(?:lo$|veth|cni|flannel|cali|docker)/;

/** Replaces the zone `*` of an address by each interface: only the link shows which one is right. */
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
 * Sends the same request to all addresses of a source at once (IPv4 and IPv6, for example) and returns the first
 * answer; an HTTP error is an answer too. Throws the error of the first address if none answers.
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

/** The bytes of text that is only base64, apart from line breaks; undefined for other text. */
export function decodeWhole(text: string): Buffer | undefined {
  return decodeExactBase64(text.replace(/\s+/g, ""));
}
