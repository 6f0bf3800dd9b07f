/**
 * Accounts of the system's services, with fixed ids: they own files in the persistent /var, so the meaning of an id
 * must be the same in all releases. They are created before the installation of Debian's packages, which then keep
 * them; {@link unexpectedAccounts} finds accounts that a package has added.
 */
export const SYSTEM_USERS: readonly {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
}[] = [
  { name: "systemd-network", uid: 998, gid: 998, comment: "systemd Network Management", home: "/" },
  { name: "systemd-timesync", uid: 997, gid: 997, comment: "systemd Time Synchronization", home: "/" },
  { name: "messagebus", uid: 996, gid: 996, comment: "System Message Bus", home: "/nonexistent" },
  { name: "sshd", uid: 990, gid: 65534, comment: "sshd user", home: "/run/sshd" },
  { name: "_rpc", uid: 100, gid: 65534, comment: "", home: "/run/rpcbind" },
  { name: "statd", uid: 101, gid: 65534, comment: "", home: "/var/lib/nfs" },
];

export const SYSTEM_GROUPS: Readonly<Record<string, number>> = {
  "systemd-journal": 999,
  "systemd-network": 998,
  "systemd-timesync": 997,
  messagebus: 996,
  input: 995,
  sgx: 994,
  clock: 993,
  kvm: 992,
  render: 991,
  _ssh: 101,
  netdev: 102,
};

/** The only account for logging in. */
export const LOGIN_USER = {
  name: "rancher",
  id: 1000,
  home: "/home/rancher",
  shell: "/bin/bash",
  // the journal is readable without sudo, which the account has anyway
  groups: ["sudo", "systemd-journal"],
};

/** Ids below this one, and `nobody`, are the distribution's own (Debian policy 9.2.2). */
const FIRST_DYNAMIC_ID = 100;
const NOBODY = 65534;
/** The only account of Debian with a higher id, from base-passwd. */
const USERS = "group users 100";

/** Lines for /etc/passwd, /etc/shadow and /etc/group, before the packages are installed. */
export function systemAccountFiles(): { passwd: string; shadow: string; group: string } {
  const users = SYSTEM_USERS.map(
    ({ name, uid, gid, comment, home }) => `${name}:x:${uid}:${gid}:${comment}:${home}:/usr/sbin/nologin\n`,
  );
  return {
    passwd: users.join(""),
    shadow: SYSTEM_USERS.map(({ name }) => `${name}:!*:1::::::\n`).join(""),
    group: Object.entries(SYSTEM_GROUPS)
      .map(([name, gid]) => `${name}:x:${gid}:\n`)
      .join(""),
  };
}

/** Names in /etc/passwd or /etc/group that have a dynamic id and are not in the tables above. */
export function unexpectedAccounts(files: { readonly passwd: string; readonly group: string }): string[] {
  const users = SYSTEM_USERS.map((user) => `user ${user.name} ${user.uid}`);
  const groups = Object.entries(SYSTEM_GROUPS).map(([name, gid]) => `group ${name} ${gid}`);
  const known = new Set([...users, ...groups, USERS]);
  const found = [...dynamicIds("user", files.passwd), ...dynamicIds("group", files.group)];
  return found.filter((account) => !known.has(account));
}

function dynamicIds(kind: string, text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [name, , id] = line.split(":");
    const number = Number(id);
    if (id === undefined || number < FIRST_DYNAMIC_ID || number === NOBODY) return [];
    return [`${kind} ${name} ${number}`];
  });
}

export interface AccountFiles {
  readonly passwd: string;
  readonly shadow: string;
  readonly group: string;
  readonly gshadow: string;
}

/**
 * The account files with the login user, without passwords, and with a fixed day of the last password change, so that
 * the same packages result in the same bytes.
 */
export function withLoginUser(files: AccountFiles): AccountFiles {
  const { name, id, home, shell, groups } = LOGIN_USER;
  return {
    passwd: `${files.passwd}${name}:x:${id}:${id}::${home}:${shell}\n`,
    shadow: `${files.shadow.replace(/^([^:]+):[^:]*:[^:]*:/gm, "$1:*:1:")}${name}:!:1:0:99999:7:::\n`,
    group: `${addMember(files.group, groups, name)}${name}:x:${id}:\n`,
    gshadow: `${addMember(files.gshadow, groups, name)}${name}:!::\n`,
  };
}

/** Adds a user to the last field of the lines of `groups`. */
function addMember(text: string, groups: readonly string[], user: string): string {
  return text.replace(/^([^:\n]+):.*$/gm, (line, group: string) => {
    if (!groups.includes(group)) return line;
    return line.endsWith(":") ? `${line}${user}` : `${line},${user}`;
  });
}
