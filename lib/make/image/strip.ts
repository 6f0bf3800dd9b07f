import { globSync, lstatSync, readFileSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * Packages whose files are removed after the installation: they install, configure or document other packages, and
 * packages never change the image. Python is only used by one tool of xfsprogs, Perl by none of the remaining programs.
 */
export const REMOVED_PACKAGES: readonly string[] = [
  ...[
    "adduser",
    "debconf",
    "dpkg",
    "init-system-helpers",
    "runit-helper",
    "ucf",
    "sensible-utils",
    "perl-base",
  ],
  ...["libtext-charwidth-perl", "libtext-wrapi18n-perl", "media-types", "lsb-release"],
  ...[
    "initramfs-tools",
    "initramfs-tools-core",
    "initramfs-tools-bin",
    "dracut-install",
    "klibc-utils",
    "libklibc",
  ],
  ...["linux-base", "busybox-initramfs"],
  ...["python3", "python3-minimal", "python3-dbus", "libpython3-stdlib", "python3.13", "python3.13-minimal"],
  ...["libpython3.13-stdlib", "libpython3.13-minimal"],
];

/** Paths to remove from the userland (below the root; `*` within a name, `**` across). */
export const REMOVED_PATHS: readonly string[] = [
  // documentation, translations, and files for building or packaging only
  ..."applications apport bug cmake common-licenses dict doc doc-base doc-rfc fish gdb icons info java lintian".split(
    " ",
  ),
  ..."locale man maven-repo menu metainfo mime pixmaps pkgconfig python3 runit zsh finalrd gcc".split(" "),
]
  .map((name) => `usr/share/${name}`)
  .concat([
    "usr/{games,include,src,lib/valgrind,lib/python3*,lib/pm-utils,lib/dracut,lib/kernel,lib/mime,lib/lsb}",
    "usr/lib/**/*.a",
    "usr/lib/firmware",
    "usr/share/{perl5,perl,debconf,dpkg,initramfs-tools,base-files,base-passwd,pam-configs,binfmts,ucf}",
    "usr/share/{ca-certificates,keyrings,libgcrypt20,libc-bin,valgrind}",
    "usr/share/vim/vim*/{doc,tutor,lang}",
    "usr/sbin/{update-rc.d,update-ca-certificates,sensors-detect,pam-auth-update,pam_getenv,luksformat,e2scrub*}",
    "usr/sbin/{xfs_scrub*,xfs_protofile,nfsiostat,mountstats,rpcctl}",
    "usr/bin/{routel,rrsync,c_rehash,sensors-conf-convert,linux-*,helpztags,dh_bash-completion,pzstd}",
    "usr/{share/rsync,lib/ssl/misc}",
    // character sets: UTF-8 is built in; dosfstools and mtools need the two code pages
    "usr/lib/*/gconv/!(gconv-modules*|IBM437.so|IBM850.so|CP1252.so|UTF-*.so|UNICODE.so|ISO8859-1.so)",
    "usr/lib/udev/hwdb.d", // compiled into hwdb.bin
    "usr/lib/systemd/network/73-usb-net-by-mac.link", // a board's soldered USB adapter is eth0, too
    "usr/lib/systemd/{systemd-measure,systemd-pcrextend,systemd-pcrlock,systemd-tpm2-setup,systemd-storagetm}",
    // of GRUB, only its installation, and the inspection of what it would read, are needed here
    "usr/lib/grub/*/{*.h,*.o,*.sh,gdb*,*.module,config.h,modinfo.sh}",
    "usr/bin/grub-{fstest,glue-efi,kbdcomp,macbless,menulst2cfg,mkfont,mklayout,mknetdir,mkpasswd-pbkdf2,mkrescue}",
    "usr/bin/grub-{mkstandalone,mount,ntldr-img,render-label,syslinux2cfg,mkimage-*}",
    "usr/sbin/grub-{macbless,mkconfig,mkdevicemap,reboot,set-default}",
    "usr/share/grub/{ascii*,euro*,widthspec.h,default}",
    // state and caches of the package system
    "var/{backups,mail,spool/mail,cache/apt,cache/debconf,cache/adduser,cache/ldconfig,local,run,lock}",
    "var/lib/{apt,dpkg,ucf,python,vim,pam,shells.state,systemd,dbus,misc,xfsprogs}",
    "var/log/{apt,dpkg.log,alternatives.log,bootstrap.log,README,runit}",
    // /etc: files that would make machines alike, files of the boot, and unused files
    "etc/{hostname,hosts,machine-id,fstab,resolv.conf,.pwd.lock,modules,modules-load.d/*,vconsole.conf,*-}",
    "etc/{localtime,timezone}", // without them the time zone is UTC; users' commands create them
    "etc/ssh/ssh_host_*",
    "etc/{apt,apport,dpkg,debconf.conf,ucf.conf,adduser.conf,deluser.conf,initramfs-tools,kernel,python3*,perl}",
    "etc/{cron.d,cron.daily,init.d,rc?.d,runit,sv,insserv.conf.d,update-motd.d,issue.net,debian_version,grub.d}",
    "etc/{logcheck,ufw,dhcp,ifplugd,mime.types,terminfo,default/grub,default/grub.d,e2scrub.conf,bash_completion.d}",
    "etc/skel/*",
    "etc/skel/.*",
    "etc/ssl/certs/!(ca-certificates.crt)",
    "etc/ca-certificates*",
    "etc/systemd/system/*",
    "etc/systemd/user/*",
  ]);

/** Removes the files in the packages' lists, and directories that become empty. Returns what was removed. */
export function removePackageFiles(root: string, packages: readonly string[]): void {
  for (const name of packages) {
    const [list] = globSync(`var/lib/dpkg/info/${name}{,:*}.list`, { cwd: root });
    if (list === undefined) continue;
    const paths = readFileSync(join(root, list), "utf8")
      .split("\n")
      .filter((path) => path.length > 1);
    for (const path of paths.sort().reverse()) removeFileOrEmptyDirectory(join(root, path));
  }
}

function removeFileOrEmptyDirectory(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return;
  }
  try {
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error; // contains files of other packages
  }
}

/** Removes the files that match the patterns below `root`. */
export function removePaths(root: string, patterns: readonly string[]): void {
  for (const pattern of patterns) {
    for (const path of globSync(pattern, { cwd: root }))
      rmSync(join(root, path), { recursive: true, force: true });
  }
}
