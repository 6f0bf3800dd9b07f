import { type BlockDevice, describeBlockDevice, listDisks } from "../../tools/disk/lsblk.ts";
import type { Choice } from "../../tools/terminal/prompt.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import { type DeviceFacts, diskFacts, gatherFacts } from "../install-facts.ts";
import { deviceObjections } from "../objections.ts";
import type { Interview, Step, StepHost } from "./step.ts";

/**
 * Columns of a disk in the list: the rest of 80 is for the cursor, a number, and the reason why it cannot be chosen.
 */
const WIDTH = 60;
/** The number of partitions shown; the list must fit on the screen with them. */
const MAX_OCCUPANTS = 5;

export const disk: Step = {
  skip: ({ operation, settings }) =>
    operation !== "install" || settings.device !== undefined || settings.noFormat,
  ask: async ({ settings, facts }, asker, host) => {
    const choices: Choice<string>[] = [];
    for (const device of listDisks(facts.devices)) {
      choices.push(await choiceOf(device, { settings, facts }, host));
    }
    const usable = choices.filter(({ disabled }) => disabled === undefined);
    const [only, ...others] = usable;
    if (only === undefined) throw noDisk(choices);
    const device =
      others.length === 0 ? only.value : await asker.choose("Installation target", choices, only.value);
    if (others.length === 0) await asker.show(`Installation target: ${only.name}\n${only.description}\n`);
    const named = { ...settings, device };
    return { settings: named, facts: await gatherFacts(named, host) };
  },
};

async function choiceOf(
  device: BlockDevice,
  known: Pick<Interview, "settings" | "facts">,
  host: Pick<StepHost, "run">,
): Promise<Choice<string>> {
  try {
    return diskChoice(await diskFacts(device, host), known);
  } catch (error) {
    // a broken disk must not block the choice of others
    const description = indented([...wholeName(device), messageOf(error)]);
    return { name: nameOf(device), value: device.path, description, ...UNUSABLE };
  }
}

const UNUSABLE = { disabled: "(not usable)" } as const;

function nameOf(device: BlockDevice): string {
  const line = describeBlockDevice(device);
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line;
}

/** The full name: the difference between two disks of one model is at its end. */
function wholeName(device: BlockDevice): string[] {
  const line = describeBlockDevice(device);
  return line.length > WIDTH ? [line] : [];
}

/** A disk in the list: its name, its content, and all objections. */
export function diskChoice(
  found: DeviceFacts,
  { settings, facts }: Pick<Interview, "settings" | "facts">,
): Choice<string> {
  const { path } = found.device;
  const objections = deviceObjections({ ...settings, device: path }, facts, found);
  const refusals = objections.filter(({ kind }) => kind === "refusal").map(({ message }) => message);
  return {
    name: nameOf(found.device),
    value: path,
    description: indented([...wholeName(found.device), ...refusals, ...contents(found)]),
    ...(refusals.length === 0 ? {} : UNUSABLE),
  };
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

function contents({ occupants }: Pick<DeviceFacts, "occupants">): string[] {
  if (occupants.length === 0) return ["empty"];
  const named = occupants.slice(0, MAX_OCCUPANTS);
  const more = occupants.length - named.length;
  return [
    ...named.map(({ path, what, ours }) => `${path}: ${what}${ours ? " (k3OS)" : ""}`),
    ...(more === 0 ? [] : [`and ${more} more`]),
  ];
}

function noDisk(choices: readonly Choice<string>[]): CommandError {
  const disks = choices.flatMap(({ name, description }) => [`  ${name}`, `${description}`]);
  return new CommandError(["No disk to install to was found", ...disks].join("\n"), {
    hint: "attach one, or name a DEVICE on the command line",
  });
}
