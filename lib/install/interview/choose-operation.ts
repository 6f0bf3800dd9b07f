import type { Choice } from "../../tools/terminal/prompt.ts";
import type { InstallFacts } from "../install-facts.ts";
import type { InstallSettings } from "../install-settings.ts";
import type { Operation, Step } from "./step.ts";

/** The operation if it needs no prompt: by the mode of the boot, or because there is no alternative. */
export function knownOperation(
  { mode }: Pick<InstallFacts, "mode">,
  { bootstrap, interview }: Pick<InstallSettings, "bootstrap" | "interview">,
): Operation | undefined {
  if (mode === "live-server" || mode === "live-agent") return "configure";
  // outside of k3OS there is no system to configure
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
