import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktn/hcl2json";
import { PROJECT } from "./sources.ts";

/** Attributes of a block, and blocks in it, each as a list; expressions that are no constants are texts in `${…}`. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A Packer template of the documentation. */
export interface Template {
  /** The folder below docs/packer. */
  readonly name: string;
  readonly directory: string;
  readonly text: string;
  readonly plugins: Readonly<Record<string, { readonly version: string; readonly source: string }>>;
  /** By type and name, as `proxmox-iso.k3os`. */
  readonly sources: Readonly<Record<string, Attributes>>;
  readonly variables: readonly string[];
  readonly locals: Attributes;
  /** What `build` starts with. */
  readonly built: readonly string[];
  /** Lines that run on the machine. */
  readonly commands: readonly string[];
}

const DIRECTORY = join(PROJECT, "docs/packer");

type Blocks = Readonly<Record<string, readonly Attributes[]>>;

interface Parsed {
  readonly packer: readonly { readonly required_plugins: readonly [Template["plugins"]] }[];
  readonly source: Readonly<Record<string, Blocks>>;
  readonly variable?: Blocks;
  readonly locals?: readonly Attributes[];
  readonly build: readonly { readonly sources: readonly string[]; readonly provisioner?: Blocks }[];
}

/** All templates. Throws for what is not HCL. */
export async function readTemplates(): Promise<Template[]> {
  return await Promise.all(readdirSync(DIRECTORY).sort().map(readTemplate));
}

async function readTemplate(name: string): Promise<Template> {
  const directory = join(DIRECTORY, name);
  const text = readFileSync(join(directory, "template.pkr.hcl"), "utf8");
  const {
    packer,
    source,
    variable = {},
    locals = [],
    build,
  } = (await parse(name, text)) as unknown as Parsed;
  const sources = Object.entries(source).flatMap(([type, named]) =>
    Object.entries(named).map(([label, [attributes = {}]]) => [`${type}.${label}`, attributes] as const),
  );
  const shells = build.flatMap(({ provisioner = {} }) => provisioner.shell ?? []);
  return {
    ...{ name, directory, text, sources: Object.fromEntries(sources), variables: Object.keys(variable) },
    plugins: Object.assign({}, ...packer.map(({ required_plugins: [plugins] }) => plugins)),
    locals: Object.assign({}, ...locals),
    built: build.flatMap((each) => each.sources),
    commands: [
      ...shells.flatMap(({ inline }) => inline as string[]),
      ...sources.flatMap(([, { shutdown_command: line }]) => (line === undefined ? [] : [String(line)])),
    ],
  };
}

/** What a source types into the machine's console, keys taken out; undefined if it types nothing. */
export function typedText({ locals }: Pick<Template, "locals">, source: Attributes): string | undefined {
  const { boot_command: command } = source;
  if (command === undefined) return undefined;
  const own = Array.isArray(command)
    ? command
    : [...String(command).matchAll(/"([^"]*)"/g)].map(([, text]) => text);
  const parts = Array.isArray(command) ? own : [locals.start, own, locals.finish].flat();
  return parts.join("").replaceAll("<wait>", "").replaceAll("<enter>", "\n");
}
