import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../../tools/host/paths.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { withoutUndefined } from "./fields.ts";
import { MAX_BYTES } from "./read-source-file.ts";

/** https://www.qemu.org/docs/master/specs/fw_cfg.html, https://docs.kernel.org/admin-guide/abi-testing.html */
const DIRECTORY = "/sys/firmware/qemu_fw_cfg/by_name";

/** The names are ours, below `opt/` as QEMU requires; `config` is a likely guess, and means user data. */
const NAME = {
  userdata: ["opt/k3os/userdata", "opt/k3os/config"],
  hostname: ["opt/k3os/hostname"],
  keys: ["opt/k3os/authorized_keys"],
} as const;

/** Files from the command line of a QEMU machine: `-fw_cfg name=opt/k3os/userdata,file=node.yaml`. */
export const kvm: Provider = {
  name: "kvm",
  title: "KVM",
  kind: "local",
  recognises: ({ firmwareConfig }) =>
    Object.values(NAME)
      .flat()
      .some((name) => firmwareConfig.includes(name)),
  read: async (access) => {
    const present = (names: readonly string[]) =>
      names.find((name) => access.platform.firmwareConfig.includes(name));
    const [userdata, hostname, keys] = [present(NAME.userdata), present(NAME.hostname), present(NAME.keys)];
    if (userdata === undefined && hostname === undefined && keys === undefined) return undefined;
    return withoutUndefined<Metadata>({
      hostname: optionalText(hostname, access)?.trim() || undefined,
      keys: optionalText(keys, access)?.split("\n"),
      userdata: userdata === undefined ? undefined : readItem(userdata, access),
    });
  },
};

/** An error in this part must not cause the loss of the user data. */
function optionalText(
  name: string | undefined,
  access: Pick<Access, "root" | "ignored">,
): string | undefined {
  if (name === undefined) return undefined;
  try {
    return readItem(name, access).toString();
  } catch (error) {
    access.ignored(messageOf(error));
    return undefined;
  }
}

/**
 * Each read of an item costs the firmware interface as much as all reads before it, so reads are as large as the kernel
 * allows. The item is complete if its length equals its stated size.
 */
function readItem(name: string, access: Pick<Access, "root">): Buffer {
  const directory = inRoot(access, join(DIRECTORY, name));
  try {
    const size = Number(readFileSync(join(directory, "size"), "utf8"));
    if (!(size <= MAX_BYTES)) {
      throw new CommandError(`found ${formatBytes(size)}, expected at most ${formatBytes(MAX_BYTES)}`);
    }
    const content = readUpTo(join(directory, "raw"), size + 1);
    if (content.length !== size) throw new CommandError(`found ${content.length} bytes, expected ${size}`);
    return content;
  } catch (cause) {
    throw new CommandError(`Cannot read "${name}" of the machine's firmware`, { cause });
  }
}

function readUpTo(path: string, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  const fd = openSync(path, "r");
  try {
    let done = 0;
    for (let more = -1; more !== 0 && done < length; done += more) {
      more = readSync(fd, buffer, done, length - done, done);
    }
    return buffer.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}
