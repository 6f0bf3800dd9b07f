import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";

/** The documented settings of the SSH server (overlay/etc/ssh/sshd_config), as `sshd -T` prints them. */
const PROMISED: Readonly<Record<string, string>> = {
  permitrootlogin: "no",
  passwordauthentication: "no",
  kbdinteractiveauthentication: "no",
  permitemptypasswords: "no",
  hostbasedauthentication: "no",
  allowtcpforwarding: "no",
  gatewayports: "no",
  x11forwarding: "no",
  permittunnel: "no",
};

/**
 * Settings may depend on the user and the client (`Match`): this client is outside the network, with an unassigned
 * address (RFC 5737).
 */
const USERS = ["rancher", "root"];
const OUTSIDE = "host=outside.example,addr=203.0.113.1";

const DIRECTORY = "/etc/ssh";
/** sshd with the image's settings, for a failure with those of the directory. */
const FALLBACK_UNIT = "ssh-image.service";
/** sshd requires its absolute path. */
const SSHD = "/usr/sbin/sshd";

export const sshServer = defineCheck({
  name: "ssh server",
  only: "k3OS",
  facts: async (host) => {
    const directory = inRoot(host, DIRECTORY);
    if (!existsSync(directory)) return undefined;
    // without its host keys, which only root may read, sshd would refuse all settings
    const key = readdirSync(directory).find((name) => /^ssh_host_\w+_key$/.test(name));
    if (key !== undefined) accessSync(join(directory, key), constants.R_OK);
    const answers = await Promise.all(
      USERS.map((user) => host.run(cmd`${SSHD} -T -C user=${user},${OUTSIDE}`, { check: false })),
    );
    const refused = answers.find(({ code }) => code !== 0);
    const instead = await host.run(cmd`systemctl is-active ${FALLBACK_UNIT}`, { check: false });
    const other =
      instead.stdout.trim() === "active" ? `${FALLBACK_UNIT} runs instead of ssh.service` : undefined;
    return {
      refusal: refused?.stderr.trim().split("\n").at(-1) ?? other,
      settings: answers.map(({ stdout }) => stdout),
    };
  },
  judge: judgeSshServer,
});

/**
 * `refusal` is the reason why sshd refuses its settings; `settings` are the effective ones by user, as `sshd -T` prints
 * them.
 */
export function judgeSshServer(found: {
  readonly refusal: string | undefined;
  readonly settings: readonly string[];
}): Verdict {
  const back = `sudo rm ${DIRECTORY}/sshd_config, and a restart, bring the image's settings back`;
  if (found.refusal !== undefined) {
    const message = `refuses its settings, and runs with the image's, if at all: ${found.refusal}`;
    return { state: "failure", message, hint: `fix what "sudo sshd -t" reports, or ${back}` };
  }
  const broken = [...new Set(found.settings.flatMap(brokenPromises))];
  if (broken.length === 0) {
    return { state: "ok", message: "takes keys only, and no root, from outside" };
  }
  return { state: "warning", message: `differs from the defaults: ${broken.join(", ")}`, hint: back };
}

function brokenPromises(settings: string): string[] {
  const lines = settings.split("\n").map((line) => line.split(" "));
  return lines.flatMap(([key = "", value]) => {
    const promised = PROMISED[key];
    return promised === undefined || value === promised ? [] : [`${key} ${value}`];
  });
}
