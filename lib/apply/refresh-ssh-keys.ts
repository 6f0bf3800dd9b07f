import { GENERATED } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import { cmd } from "../tools/host/cmd.ts";
import { keySource } from "../tools/node/ssh-key.ts";
import type { Applier, ApplyHost } from "./applier.ts";
import { type Generator, generator } from "./generator.ts";
import { readIfExists } from "./system-files.ts";

const TIMER = "k3os-ssh-keys.timer";
/**
 * An empty file masks the unit of /usr, as a link to /dev/null does.
 * https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html
 */
const MASK = GENERATED.sshKeysTimer;
const DROP_IN = GENERATED.sshKeysRefresh;

/** Seconds; the interval of the timer in the image. */
const DAY = 86_400;
/** By the first letter of a unit of `ssh_keys_refresh`. */
const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: DAY, w: 7 * DAY };

/**
 * Sets how often SSH keys are fetched. The timer is masked if the interval is "never", or if the configuration contains
 * all keys itself. In the runtime phase, systemd applies a change at once.
 */
export function sshKeysRefresh(options: { restart: boolean }): Applier {
  return {
    name: "ssh_keys_refresh",
    apply: async (config, host) => {
      const seconds = hasRemoteKeys(config) ? refreshSeconds(config.k3os?.sshKeysRefresh ?? "") : 0;
      const files = generator(config, host);
      const masked = seconds === 0 ? files.put(MASK, "") : unmask(files, host);
      const changed =
        seconds === 0 || seconds === DAY ? files.remove(DROP_IN) : files.put(DROP_IN, dropIn(seconds));
      if (!(masked || changed) || !options.restart || host.dryRun) return;
      await host.run(cmd`systemctl daemon-reload`);
      await host.run(cmd`systemctl ${seconds === 0 ? "stop" : "restart"} ${TIMER}`);
    },
  };
}

/** Removes our mask, but no unit that the user put in its place. */
function unmask(files: Generator, host: Pick<ApplyHost, "root">): boolean {
  return readIfExists(MASK.path, host) === "" && files.remove(MASK);
}

/**
 * The first line clears all times of the unit itself.
 * https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html
 */
function dropIn(seconds: number): string {
  return `[Timer]
OnActiveSec=
OnActiveSec=${seconds}
OnUnitActiveSec=${seconds}
RandomizedDelaySec=${Math.ceil(seconds / 12)}
`;
}

/** The seconds of a time span in the form of the setting; a day if it is empty, 0 for never. */
export function refreshSeconds(span: string): number {
  if (span === "") return DAY;
  const parts = [...span.matchAll(/(\d+) ?([a-z]?)/g)].map(([, count, unit = ""]) => {
    return Number(count) * (SECONDS[unit] ?? 0);
  });
  return parts.reduce((sum, part) => sum + part, 0);
}

/** Whether an entry names a place to fetch keys from; an invalid one is reported when the keys are applied. */
function hasRemoteKeys(config: CloudConfig): boolean {
  return (config.sshAuthorizedKeys ?? []).some((entry) => {
    try {
      return keySource(entry).kind === "url";
    } catch {
      return false; // reported elsewhere
    }
  });
}
