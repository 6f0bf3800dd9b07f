import { printable } from "../tools/text/printable.ts";
import { wrap } from "../tools/text/wrap.ts";
import type { Asked } from "./access.ts";
import type { LabelledDevice, Platform } from "./platform.ts";
import { describeOutcome, type SearchResult, type SourceReport } from "./search.ts";

const WIDTH = 80;

/** The output of `--explain`, and the value of the event `result` with `--json`; contains no secrets. */
export interface Explanation {
  readonly machine: {
    /** The values that identify sources; no serial numbers. */
    readonly dmi: Readonly<Record<string, string>>;
    readonly devices: readonly LabelledDevice[];
    readonly firmwareConfig: readonly string[];
  };
  readonly sources: readonly {
    readonly name: string;
    readonly recognised: boolean;
    readonly result: "answered" | "absent" | "failed" | "passed over";
    readonly detail: string;
    /** Milliseconds. */
    readonly time: number;
    readonly asked: readonly Asked[];
    readonly ignored: readonly string[];
  }[];
  /** The source whose answer is used. */
  readonly taken: string | undefined;
  /** Whether that is its answer of an earlier boot. */
  readonly cached: boolean;
}

const SHOWN_DMI = ["sys_vendor", "product_name", "chassis_asset_tag"];

export function explainSearch(
  platform: Platform,
  { found, reports }: SearchResult,
  kept: { readonly source: string } | undefined,
): Explanation {
  const dmi = SHOWN_DMI.flatMap((name): [string, string][] => {
    const value = platform.dmi[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    machine: {
      dmi: Object.fromEntries(dmi),
      devices: platform.devices,
      firmwareConfig: platform.firmwareConfig,
    },
    sources: reports.map(explainSource),
    taken: found?.provider.name ?? kept?.source,
    cached: found === undefined && kept !== undefined,
  };
}

function explainSource({ provider, recognised, outcome, record, time }: SourceReport) {
  return {
    name: provider.name,
    recognised,
    result: outcome.kind,
    detail: describeOutcome(outcome),
    time: Math.round(time),
    asked: record.asked.map((asked) => ({ ...asked, time: Math.round(asked.time) })),
    ignored: record.ignored,
  };
}

/** The explanation as text, in lines of at most 80 columns. */
export function formatExplanation({ machine, sources, taken, cached }: Explanation): string {
  const names = Object.entries(machine.dmi).map(([name, value]) => `${name} "${value}"`);
  const recognised = sources.filter((source) => source.recognised).map(({ name }) => name);
  const devices = machine.devices.filter(({ label }) => label !== "");
  const lines = [
    ...wrap(`machine: ${names.join(", ") || "says nothing about itself"}`),
    ...wrap(`labels: ${devices.map(({ path, label }) => `${path} "${label}"`).join(", ") || "none"}`),
    ...(machine.firmwareConfig.length === 0 ? [] : wrap(`fw_cfg: ${machine.firmwareConfig.join(", ")}`)),
    `recognised: ${recognised.join(", ") || "none"}`,
    "",
    ...sources.flatMap(formatSource),
    "",
    `taken: ${taken === undefined ? "nothing" : `${taken}${cached ? " (kept from an earlier boot)" : ""}`}`,
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

function formatSource({ name, detail, time, asked, ignored }: Explanation["sources"][number]): string[] {
  return [
    ...wrap(`${name.padEnd(13)} ${time === 0 ? "" : `${(time / 1000).toFixed(1)} s: `}${detail}`),
    ...asked.flatMap(formatAsked),
    ...ignored.flatMap((what) => wrap(`    ignored: ${what}`)),
  ];
}

/** Shortens the URL rather than the figures; the reason of a failure has lines of its own. */
function formatAsked({ method, url, status, time, problem }: Asked): string[] {
  const figures = `${status ?? "---"} ${`${time} ms`.padStart(9)}`;
  const room = WIDTH - 2 - method.length - 1 - 1 - figures.length;
  const shown = url.length > room ? `${url.slice(0, room - 1)}…` : url.padEnd(room);
  return [`  ${method} ${shown} ${figures}`, ...(problem === undefined ? [] : wrap(`    ${problem}`))];
}
