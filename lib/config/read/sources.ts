import { isUnfinished } from "../../tools/fs/atomic.ts";
import type { Host } from "../../tools/host/host.ts";
import { PATH } from "../../tools/host/paths.ts";
import { readKeys } from "../../tools/node/ssh-key.ts";
import { MAX_HOSTNAME } from "../schema/forms.ts";
import { checkText } from "../schema/scalars.ts";
import { SCHEMA } from "../schema/schema.ts";
import { readCmdline } from "./cmdline.ts";
import { failure, inByteOrder, isDiagnostic, listDirectory, readSourceFile } from "./config-files.ts";
import type { Diagnostic, Place } from "./diagnostics.ts";
import { type Layer, NOTHING, type Setting } from "./setting.ts";
import { readUserdata, readUserdataScript } from "./userdata.ts";

type SourceHost = Pick<Host, "root">;
type Source = (host: SourceHost, extra?: ExtraFile) => Promise<readonly SourceLayer[]>;

/** A file that is read as if it were in config.d, by its name there; one of that name is not read. */
export interface ExtraFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The content of one existing source. */
export interface SourceLayer extends Layer {
  /** Its file. */
  readonly path: string;
}

/**
 * Every source of the configuration, from lowest to highest precedence. A script in user data comes last: it adds to
 * the lists of all other sources.
 */
const SOURCES: readonly Source[] = [
  (host) => readSource(PATH.systemConfig, host, parseFile),
  (host) => readSource(PATH.cmdline, host, (bytes, path) => readCmdline(bytes.toString(), path)),
  (host) => readSource(PATH.localConfig, host, parseFile),
  readMetadataHostname,
  (host) => readSource(PATH.metadataKeys, host, readAuthorizedKeys),
  (host) => readSource(PATH.userdata, host, readUserdata),
  readDirectory,
  (host) => readSource(PATH.userdata, host, readUserdataScript),
];

/** The settings of all sources, lowest precedence first; with `extra`, as if config.d had that file. */
export async function readLayers(host: SourceHost, extra?: ExtraFile): Promise<readonly SourceLayer[]> {
  const layers: SourceLayer[] = [];
  for (const source of SOURCES) layers.push(...(await source(host, extra)));
  return layers;
}

async function readSource(
  path: string,
  host: SourceHost,
  read: (bytes: Buffer, path: string) => Layer | Promise<Layer>,
): Promise<readonly SourceLayer[]> {
  const file = readSourceFile(path, host);
  if (file === undefined) return [];
  return [{ path, ...(isDiagnostic(file) ? broken(file) : await read(file, path)) }];
}

/**
 * Reads one file of the configuration. The YAML parser is not loaded for a file of comments only, such as the one on
 * the ISO.
 */
async function parseFile(bytes: Buffer, path: string): Promise<Layer> {
  if (bytes.length < 4096 && /^(?:[ \t\r]*(?:#.*)?\n)*$/.test(bytes.toString())) return NOTHING;
  const { parseBytes } = await import("./parse.ts");
  return parseBytes(bytes, path);
}

/** Every entry of config.d, in byte order and with any name, but for those that we are writing. */
async function readDirectory(host: SourceHost, extra?: ExtraFile): Promise<readonly SourceLayer[]> {
  const listed = listDirectory(PATH.localConfigDir, host);
  if (isDiagnostic(listed)) return [{ path: PATH.localConfigDir, ...broken(listed) }];
  const found = listed.filter((name) => !isUnfinished(name));
  const names =
    extra === undefined || found.includes(extra.name) ? found : inByteOrder([...found, extra.name]);
  const layers: SourceLayer[] = [];
  for (const name of names) {
    const path = `${PATH.localConfigDir}/${name}`;
    if (name === extra?.name) {
      layers.push({ path, ...(await parseFile(extra.bytes, path)) });
      continue;
    }
    const read = await readSource(path, host, parseFile);
    if (read.length > 0) layers.push(...read);
    else layers.push({ path, ...broken(failure(path, "found a link to nothing, expected a file")) });
  }
  return layers;
}

/**
 * The host name from a data source: `local_hostname`, which only some sources write, otherwise `hostname`. Names that
 * are too long lose their domain, as in https://github.com/coreos/afterburn/issues/509. Invalid node names are ignored.
 */
async function readMetadataHostname(host: SourceHost): Promise<readonly SourceLayer[]> {
  for (const path of [PATH.metadataHostname, `${PATH.metadata}/hostname`]) {
    const layers = await readSource(path, host, readHostname);
    if (layers.some(({ settings, diagnostics }) => settings.length + diagnostics.length > 0)) return layers;
  }
  return [];
}

function readHostname(bytes: Buffer, source: string): Layer {
  const name = bytes.toString().trim();
  if (name === "") return NOTHING;
  const [label = ""] = name.split(".");
  const checked = checkText(SCHEMA.fields.hostname, name.length > MAX_HOSTNAME ? label : name);
  const place: Place = { source, line: 1, column: 1 };
  if ("value" in checked)
    return { settings: [{ path: "hostname", value: checked.value, place }], diagnostics: [] };
  return broken({
    severity: "warning",
    place,
    path: "hostname",
    message: `${checked.problem}: it is not taken`,
  });
}

/** Keys of the instance are added to the configured keys: they must not lock out users with configured keys. */
function readAuthorizedKeys(bytes: Buffer, source: string): Layer {
  const { keys, flaws } = readKeys(bytes.toString());
  const place: Place = { source, line: 1, column: 1 };
  const setting: Setting = { path: "sshAuthorizedKeys", value: keys, place, adds: true };
  return {
    settings: keys.length === 0 ? [] : [setting],
    diagnostics: flaws.map((message) => {
      return {
        severity: "warning",
        place,
        path: "ssh_authorized_keys",
        message: `${message}: it is not taken`,
      };
    }),
  };
}

function broken(diagnostic: Diagnostic): Layer {
  return { settings: [], diagnostics: [diagnostic] };
}
