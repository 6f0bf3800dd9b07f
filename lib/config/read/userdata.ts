import { quoteArgv } from "../../tools/host/host.ts";
import { PATH } from "../../tools/host/paths.ts";
import type { Field, Phase } from "../schema/field.ts";
import { MAX_BYTES } from "../schema/limits.ts";
import { fieldName, snakeCase } from "../schema/names.ts";
import { decodeUtf8 } from "../schema/scalars.ts";
import { SCHEMA } from "../schema/schema.ts";
import { type Diagnostic, hasErrors, type Place } from "./diagnostics.ts";
import { type Layer, NOTHING, type Setting } from "./setting.ts";

/** The kind of user data, determined from its first bytes. */
type Userdata =
  | { readonly kind: "empty" }
  /** YAML or JSON; `sure` if it is marked as such, so that invalid content is an error. */
  | { readonly kind: "config"; readonly bytes: Uint8Array; readonly sure: boolean }
  | { readonly kind: "script"; readonly bytes: Uint8Array }
  | { readonly kind: "other"; readonly found: string }
  | { readonly kind: "broken"; readonly found: string };

const SCRIPT = `${PATH.runtime}/userdata`;

/** Determines the kind of user data; gzip is decompressed first. */
async function classifyUserdata(data: Uint8Array): Promise<Userdata> {
  if (data[0] === 0x1f && data[1] === 0x8b) return unpack(data);
  const bytes = withoutBom(data);
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return { kind: "script", bytes };
  const text = decodeUtf8(bytes);
  if (bytes.includes(0)) return { kind: "other", found: "binary data" };
  if (text?.trim() === "") return { kind: "empty" };
  const start = (text ?? Buffer.from(bytes).toString("latin1")).slice(0, 64 * 1024);
  if (/^(?:content-type|mime-version)\s*:/i.test(start)) return { kind: "other", found: "MIME" };
  return { kind: "config", bytes, sure: looksLikeConfig(start) };
}

async function unpack(data: Uint8Array): Promise<Userdata> {
  const { gunzipSync } = await import("node:zlib");
  try {
    const unpacked = gunzipSync(data, { maxOutputLength: MAX_BYTES });
    if (unpacked[0] === 0x1f && unpacked[1] === 0x8b) return { kind: "other", found: "gzip in gzip" };
    return await classifyUserdata(unpacked);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ERR_BUFFER_TOO_LARGE" ? `it unpacks to more than ${MAX_BYTES} bytes` : message;
    return { kind: "broken", found: `gzip that cannot be unpacked (${reason})` };
  }
}

function withoutBom(data: Uint8Array): Uint8Array {
  return data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? data.subarray(3) : data;
}

/** The header of cloud-config, a JSON object, or a line that begins with a k3OS key. */
function looksLikeConfig(text: string): boolean {
  if (/^\s*(?:#cloud-config(?![-\w])|\{)/.test(text)) return true;
  const keys = [...text.matchAll(/^(\w+)[ \t]*:/gm)].map(([, key = ""]) => key);
  return keys.some((key) => fieldName(SCHEMA, key) !== undefined);
}

/**
 * A script as settings: a file, and a command that runs it, added to the lists of the other sources. The command
 * contains the interpreter of the script's first line, since /run is mounted noexec.
 */
function scriptLayer(bytes: Uint8Array, source: string): Layer {
  const text = decodeUtf8(bytes);
  const content =
    text === undefined
      ? { encoding: "b64", content: Buffer.from(bytes).toString("base64") }
      : { content: text };
  const place: Place = { source, line: 1, column: 1 };
  const file = { path: SCRIPT, owner: "root", permissions: "0700", ...content };
  const settings: Setting[] = [
    { path: "writeFiles", value: [file], place, adds: true },
    { path: "runCmd", value: [scriptCommand(bytes)], place, adds: true },
  ];
  return { settings, diagnostics: [] };
}

/**
 * The shell command that runs a script by its interpreter line: all text after the interpreter is one argument
 * (execve(2)).
 */
function scriptCommand(bytes: Uint8Array): string {
  const [line = ""] = Buffer.from(bytes.subarray(2, 257)).toString().split("\n");
  const [, interpreter = "/bin/sh", argument] = /^[ \t]*(\S+)(?:[ \t]+(\S.*?))?\s*$/.exec(line) ?? [];
  return quoteArgv(argument === undefined ? [interpreter, SCRIPT] : [interpreter, argument, SCRIPT]);
}

/** The settings of user data other than scripts. Unknown text is probably meant for another program: a warning. */
export async function readUserdata(data: Uint8Array, source: string): Promise<Layer> {
  const userdata = await classifyUserdata(data);
  switch (userdata.kind) {
    case "empty":
    case "script":
      return NOTHING;
    case "other":
      return ignored("warning", userdata.found, source);
    case "broken":
      return ignored("error", userdata.found, source);
    case "config": {
      const { parseBytes } = await import("./parse.ts");
      const layer = parseBytes(userdata.bytes, source);
      return userdata.sure || !hasErrors(layer.diagnostics)
        ? { ...layer, diagnostics: [...layer.diagnostics, ...tooLate(layer)] }
        : ignored("warning", "other text", source);
    }
  }
}

/**
 * User data arrives with the network: settings that are only applied earlier have no effect. Data sources are exempt,
 * since they have already been asked.
 */
function tooLate({ settings }: Layer): Diagnostic[] {
  return settings.flatMap(({ path, place }): Diagnostic[] => {
    const phases = phasesOf(path);
    if (phases.includes("runtime") || phases.includes("install") || path === "k3os.dataSources") return [];
    const expected = /Cmd$/.test(path) ? ", expected run_cmd" : "";
    const message = `found in user data, which arrives after the phases of this key (${phases.join(", ")}): it has no effect${expected}`;
    return [{ severity: "warning", place, path: snakeCase(path), message }];
  });
}

/** The phases of a setting: its own or those of its section. */
function phasesOf(path: string): readonly Phase[] {
  let field: Field | undefined = SCHEMA;
  let phases: readonly Phase[] = [];
  for (const name of path.split(".")) {
    field = field?.kind === "struct" ? field.fields[name] : undefined;
    phases = field?.phases ?? phases;
  }
  return phases;
}

/** The settings of a script in user data. */
export async function readUserdataScript(data: Uint8Array, source: string): Promise<Layer> {
  const userdata = await classifyUserdata(data);
  return userdata.kind === "script" ? scriptLayer(userdata.bytes, source) : NOTHING;
}

function ignored(severity: Diagnostic["severity"], found: string, source: string): Layer {
  const message = `found ${found}, expected cloud-config, JSON, a script that starts with "#!", or one of these compressed with gzip`;
  return { settings: [], diagnostics: [{ severity, place: { source }, path: "", message }] };
}
