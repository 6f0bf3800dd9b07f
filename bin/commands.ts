import type { CommandTable } from "../lib/tools/cli/cli.ts";

/** Every command of the product. `init` is what the kernel starts: `/init` in the initrd, `/sbin/init` on a disk. */
export const COMMANDS: CommandTable = {
  install: {
    summary: "Install k3OS to a disk",
    load: async () => (await import("../commands/install.ts")).install,
  },
  takeover: {
    summary: "Take back a takeover of the running system before its restart",
    load: async () => (await import("../commands/takeover.ts")).takeover,
  },
  upgrade: {
    summary: "Copy versions from one system directory to another and make them current",
    load: async () => (await import("../commands/upgrade.ts")).upgrade,
  },
  rollback: {
    summary: "Go back to the versions before the last upgrade",
    load: async () => (await import("../commands/rollback.ts")).rollback,
  },
  status: {
    summary: "Show what runs, what is next and what failed",
    load: async () => (await import("../commands/status.ts")).status,
  },
  doctor: {
    summary: "Look for what is wrong with this node, and say what to do",
    load: async () => (await import("../commands/doctor.ts")).doctor,
  },
  support: {
    summary: "Gather what somebody needs to help with this node, without secrets",
    load: async () => (await import("../commands/support.ts")).support,
  },
  reset: {
    summary: "Delete all data at the next start, or all but some",
    load: async () => (await import("../commands/reset.ts")).reset,
  },
  health: {
    summary: "Say whether this machine is healthy; decide about an upgrade on trial",
    load: async () => (await import("../commands/health.ts")).health,
  },
  config: {
    summary: "Apply, check, show or explain the configuration",
    aliases: ["cfg"],
    load: async () => (await import("../commands/config.ts")).config,
  },
  "upgrade-rootfs": {
    summary: "Upgrade k3OS and k3s to a release",
    links: ["k3os-upgrade-rootfs"],
    load: async () => (await import("../commands/upgrade-rootfs.ts")).upgradeRootfs,
  },
  "upgrade-kernel": {
    summary: "Upgrade the kernel to that of a release",
    links: ["k3os-upgrade-kernel"],
    load: async () => (await import("../commands/upgrade-kernel.ts")).upgradeKernel,
  },
  "update-issue": {
    summary: "Show this machine's addresses above the login prompt",
    links: ["update-issue"],
    load: async () => (await import("../commands/update-issue.ts")).updateIssue,
  },
  "ssh-keys": {
    summary: "Fetch ssh keys, and keep those of the configuration up to date",
    load: async () => (await import("../commands/ssh-keys.ts")).sshKeys,
  },
  metadata: {
    summary: "Ask the cloud, or what is attached, what this machine is to be",
    links: ["metadata"],
    load: async () => (await import("../commands/metadata.ts")).metadata,
  },
  overlay: {
    summary: "Lay k3OS over a board's own Linux, or take that back",
    load: async () => (await import("../commands/overlay.ts")).overlay,
  },
  toolbox: {
    summary: "Work in a container on this node, with tools that k3OS has not",
    links: ["toolbox"],
    load: async () => (await import("../commands/toolbox.ts")).toolbox,
  },
  remaster: {
    summary: "Make an installation medium of your own of another",
    load: async () => (await import("../commands/remaster.ts")).remaster,
  },
  release: {
    summary: "Sign a release, or verify one",
    load: async () => (await import("../commands/release.ts")).release,
  },
  completion: {
    summary: "Print what makes a shell complete the words of these commands",
    load: async () => (await import("../commands/completion.ts")).completion(COMMANDS),
  },
  man: {
    summary: "Print the manual page of these commands, or of one",
    load: async () => (await import("../commands/man.ts")).man(COMMANDS),
  },
  service: {
    summary: "Start or stop a service by the name that it had in the original",
    hidden: true,
    links: ["service", "rc-service"],
    directory: "/etc/init.d",
    load: async () => (await import("../commands/service.ts")).service,
  },
  "rc-update": {
    summary: "Have a service start with this boot, or not",
    hidden: true,
    links: ["rc-update"],
    load: async () => (await import("../commands/rc-update.ts")).rcUpdate,
  },
  "rc-status": {
    summary: "Show the services that the original had",
    hidden: true,
    links: ["rc-status"],
    load: async () => (await import("../commands/rc-status.ts")).rcStatus,
  },
  adduser: {
    summary: "Add a user as the original's BusyBox did",
    hidden: true,
    links: ["adduser"],
    load: async () => (await import("../commands/adduser.ts")).adduser,
  },
  addgroup: {
    summary: "Add a group as the original's BusyBox did",
    hidden: true,
    links: ["addgroup"],
    load: async () => (await import("../commands/addgroup.ts")).addgroup,
  },
  deluser: {
    summary: "Remove a user as the original's BusyBox did",
    hidden: true,
    links: ["deluser"],
    load: async () => (await import("../commands/deluser.ts")).deluser,
  },
  delgroup: {
    summary: "Remove a group as the original's BusyBox did",
    hidden: true,
    links: ["delgroup"],
    load: async () => (await import("../commands/delgroup.ts")).delgroup,
  },
  ifenslave: {
    summary: "Give interfaces to a bond as the original's BusyBox did",
    hidden: true,
    links: ["ifenslave"],
    load: async () => (await import("../commands/ifenslave.ts")).ifenslave,
  },
  apk: {
    summary: "Say what to do without packages",
    hidden: true,
    links: ["apk"],
    load: async () => (await import("../commands/apk.ts")).apk,
  },
  init: {
    summary: "Boot the machine; the kernel starts this as process 1",
    hidden: true,
    load: async () => (await import("../commands/init.ts")).init,
  },
  "self-test": {
    summary: "Check that the runtime inside this executable works here",
    hidden: true,
    load: async () => (await import("../commands/self-test.ts")).selfTest,
  },
};
