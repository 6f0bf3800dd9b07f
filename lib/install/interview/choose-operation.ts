import type { Choice } from "../../tools/terminal/prompt.ts";
import type { InstallFacts } from "../install-facts.ts";
import type { InstallSettings } from "../install-settings.ts";
import type { Operation, Step } from "./step.ts";

/** What is to be done where that needs no asking: by the mode that the machine was booted in, or for want of a choice. */
export function knownOperation(
  { mode }: Pick<InstallFacts, "mode">,
  { bootstrap, interview }: Pick<InstallSettings, "bootstrap" | "interview">,
): Operation | undefined {
  if (mode === "live-server" || mode === "live-agent") return "configure";
  // where no k3OS runs there is none to configure
  if (!interview || mode === "install" || mode === undefined || bootstrap) return "install";
  return undefined;
}

export const operation: Step = {
  skip: (known) => known.operation !== undefined,
  ask: async ({ facts }, asker) => {
    const choices = operations(facts);
    const first = choices.find(({ disabled }) => disabled === undefined)?.value;
    return { operation: await asker.choose("Choose operation", choices, first) };
  },
};

export function operations({ mode }: Pick<InstallFacts, "mode">): Choice<Operation>[] {
  const installed: Partial<Choice<Operation>> =
    mode === "local"
      ? {
          disabled: "(not here)",
          description: 'This is an installed k3OS: for another disk, call "k3os install DEVICE".',
        }
      : {};
  return [
    { name: "Install to disk", value: "install", ...installed },
    { name: "Configure server or agent", value: "configure" },
  ];
}
