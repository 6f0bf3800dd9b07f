import { hostname } from "node:os";
import { resolve } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import type { Member } from "../lib/tools/fs/pack-tarball.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os support [FILE]` */
export const support = defineCommand({
  usage: "[FILE]",
  description: `
Writes diagnostics to a tar.gz: status, doctor, journals, service states, disks,
network, versions and configuration. Secrets are removed. FILE can be "-" for
standard output; the default is k3os-support-HOST-TIME.tar.gz in the current
directory. Nothing else is changed.

Run it as root: without root, the archive is missing most of this.`,
  options: {},
  maxPositionals: 1,
  run: async ({ positionals: [file] }, host) => {
    const { timeName } = await import("../lib/tools/host/time-name.ts");
    const { tarballBytes, writeTarball } = await import("../lib/tools/fs/pack-tarball.ts");
    const name = `k3os-support-${hostname()}-${timeName(host)}`;
    const members = await gather(name, host);
    if (file === "-") {
      const { STDOUT, writeOut } = await import("../lib/tools/host/output.ts");
      writeOut(STDOUT, await tarballBytes(members));
    } else {
      const path = resolve(file ?? `${name}.tar.gz`);
      await writeTarball(path, members);
      host.print(`${path}\n`);
    }
    for (const member of members) host.log.info(`  ${member.name.slice(name.length + 1)}`);
    host.log.info("Secrets were removed. Read the archive before you send it to anyone");
    return EXIT.done;
  },
});

async function gather(directory: string, host: Host): Promise<readonly Member[]> {
  const { gatherSupport, supportReadme } = await import("../lib/inspect/support-bundle.ts");
  const { runChecks } = await import("../lib/inspect/doctor-check.ts");
  const { CHECKS } = await import("../lib/inspect/doctor-checks.ts");
  const { runningVersion } = await import("../lib/tools/node/running-version.ts");
  const { readStatus } = await import("../lib/upgrade/generation-status.ts");
  const { readNode } = await import("../lib/inspect/node-facts.ts");
  const { readDataSource } = await import("../lib/datasource/cache.ts");
  const { timeStamp } = await import("../lib/tools/host/time-stamp.ts");
  const versions = readStatus(host);
  const reports = {
    "status.json": {
      ...versions,
      ...(await readNode(versions.mode, host)),
      dataSource: readDataSource(host),
    },
    "doctor.json": await runChecks(CHECKS, versions.mode, host),
  };
  const found = await gatherSupport(reports, host);
  const time = timeStamp(host);
  const readme = { name: "README.txt", text: supportReadme(found, runningVersion(host), time) };
  return [readme, ...found.files].map(({ name, text }) => ({ name: `${directory}/${name}`, text }));
}
