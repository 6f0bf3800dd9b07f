import type { CommandTable } from "../lib/tools/cli/cli.ts";

/** Every command of the product. `init` is what the kernel starts: `/init` in the initrd, `/sbin/init` on a disk. */
export const COMMANDS: CommandTable = {
  status: {
    group: "node",
    summary: "Show what runs, what boots next and what failed",
    load: async () => (await import("../commands/status.ts")).status,
  },
  health: {
    group: "node",
    summary: "Check node health; judge an upgrade on trial",
    load: async () => (await import("../commands/health.ts")).health,
  },
  doctor: {
    group: "node",
    summary: "Diagnose problems and suggest fixes",
    load: async () => (await import("../commands/doctor.ts")).doctor,
  },
  support: {
    group: "node",
    summary: "Collect diagnostics into an archive, without secrets",
    load: async () => (await import("../commands/support.ts")).support,
  },
  reset: {
    group: "node",
    summary: "Factory-reset at the next boot",
    load: async () => (await import("../commands/reset.ts")).reset,
  },
  "update-issue": {
    group: "node",
    summary: "Show the node's addresses above the login prompt",
    links: ["update-issue"],
    load: async () => (await import("../commands/update-issue.ts")).updateIssue,
  },
  config: {
    group: "configuration",
    summary: "Apply, validate, print or explain the configuration",
    aliases: ["cfg"],
    load: async () => (await import("../commands/config.ts")).config,
  },
  metadata: {
    group: "configuration",
    summary: "Fetch host name, SSH keys and user data from a data source",
    links: ["metadata"],
    load: async () => (await import("../commands/metadata.ts")).metadata,
  },
  "ssh-keys": {
    group: "configuration",
    summary: "Fetch SSH keys, or refresh those in the configuration",
    load: async () => (await import("../commands/ssh-keys.ts")).sshKeys,
  },
  install: {
    group: "install",
    summary: "Install k3OS to a disk",
    load: async () => (await import("../commands/install.ts")).install,
  },
  takeover: {
    group: "install",
    summary: "Undo a takeover before the reboot",
    load: async () => (await import("../commands/takeover.ts")).takeover,
  },
  overlay: {
    group: "install",
    summary: "Install k3OS over a board's own Linux, or remove it",
    load: async () => (await import("../commands/overlay.ts")).overlay,
  },
  remaster: {
    group: "install",
    summary: "Customize an ISO",
    load: async () => (await import("../commands/remaster.ts")).remaster,
  },
  "upgrade-rootfs": {
    group: "upgrade",
    summary: "Upgrade k3OS and k3s to a release",
    links: ["k3os-upgrade-rootfs"],
    load: async () => (await import("../commands/upgrade-rootfs.ts")).upgradeRootfs,
  },
  "upgrade-kernel": {
    group: "upgrade",
    summary: "Upgrade the kernel to a release",
    links: ["k3os-upgrade-kernel"],
    load: async () => (await import("../commands/upgrade-kernel.ts")).upgradeKernel,
  },
  upgrade: {
    group: "upgrade",
    summary: "Upgrade from a system directory, such as an image's",
    load: async () => (await import("../commands/upgrade.ts")).upgrade,
  },
  rollback: {
    group: "upgrade",
    summary: "Roll back to the previous versions",
    load: async () => (await import("../commands/rollback.ts")).rollback,
  },
  toolbox: {
    group: "tools",
    summary: "Run a container with tools that k3OS lacks",
    links: ["toolbox"],
    load: async () => (await import("../commands/toolbox.ts")).toolbox,
  },
  release: {
    group: "tools",
    summary: "Sign or verify a release",
    load: async () => (await import("../commands/release.ts")).release,
  },
  completion: {
    group: "tools",
    summary: "Print a shell completion script",
    load: async () => (await import("../commands/completion.ts")).completion(COMMANDS),
  },
  man: {
    group: "tools",
    summary: "Print the manual page of k3os or of one command",
    load: async () => (await import("../commands/man.ts")).man(COMMANDS),
  },
  kubectl: {
    summary: "Run the kubectl of k3s, or say why no cluster can be reached",
    hidden: true,
    links: ["kubectl"],
    load: async () => (await import("../commands/kubectl.ts")).kubectl,
  },
  service: {
    summary: "Start or stop a service by its name in rancher/k3os",
    hidden: true,
    links: ["service", "rc-service"],
    directory: "/etc/init.d",
    load: async () => (await import("../commands/service.ts")).service,
  },
  "rc-update": {
    summary: "Enable or disable a service for this boot",
    hidden: true,
    links: ["rc-update"],
    load: async () => (await import("../commands/rc-update.ts")).rcUpdate,
  },
  "rc-status": {
    summary: "List the services of rancher/k3os and their state",
    hidden: true,
    links: ["rc-status"],
    load: async () => (await import("../commands/rc-status.ts")).rcStatus,
  },
  adduser: {
    summary: "Add a user, with BusyBox's options",
    hidden: true,
    links: ["adduser"],
    load: async () => (await import("../commands/adduser.ts")).adduser,
  },
  addgroup: {
    summary: "Add a group, with BusyBox's options",
    hidden: true,
    links: ["addgroup"],
    load: async () => (await import("../commands/addgroup.ts")).addgroup,
  },
  deluser: {
    summary: "Remove a user, with BusyBox's options",
    hidden: true,
    links: ["deluser"],
    load: async () => (await import("../commands/deluser.ts")).deluser,
  },
  delgroup: {
    summary: "Remove a group, with BusyBox's options",
    hidden: true,
    links: ["delgroup"],
    load: async () => (await import("../commands/delgroup.ts")).delgroup,
  },
  ifenslave: {
    summary: "Add interfaces to a bond, with BusyBox's options",
    hidden: true,
    links: ["ifenslave"],
    load: async () => (await import("../commands/ifenslave.ts")).ifenslave,
  },
  apk: {
    summary: "Explain how to work without packages",
    hidden: true,
    links: ["apk"],
    load: async () => (await import("../commands/apk.ts")).apk,
  },
  init: {
    summary: "Boot the machine; the kernel starts this as process 1",
    hidden: true,
    load: async () => (await import("../commands/init.ts")).init,
  },
  operator: {
    summary: "Bring Kubernetes in line with this node",
    hidden: true,
    load: async () => (await import("../commands/operator.ts")).operator,
  },
  "self-test": {
    summary: "Test the runtime inside this executable",
    hidden: true,
    load: async () => (await import("../commands/self-test.ts")).selfTest,
  },
};
