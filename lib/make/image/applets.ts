/**
 * Applets of BusyBox without an equivalent Debian program in the userland, by their directory below /usr in the
 * original: users call them in their commands.
 */
const BIN =
  "arping ash bc bunzip2 bzcat bzip2 cal crontab dc dos2unix ed fatattr ftpget ftpput hexdump ipcalc last lzop microcom " +
  "mkpasswd nc netstat nslookup patch sha3sum strings telnet tftp time traceroute traceroute6 ts unix2dos unzip usleep " +
  "uudecode uuencode xxd";
const SBIN =
  "adjtimex arp brctl crond devmem hwclock i2cdetect i2cdump i2cget i2cset i2ctransfer ifconfig ifdown ifup loadfont " +
  "loadkmap nameif nbd-client rdate route start-stop-daemon tunctl vconfig";

/** Links to busybox, path below /usr → target. */
export const APPLET_LINKS: Readonly<Record<string, string>> = Object.fromEntries([
  ...BIN.split(" ").map((name) => [`bin/${name}`, "busybox"]),
  ...SBIN.split(" ").map((name) => [`sbin/${name}`, "../bin/busybox"]),
]);

/** Applets that are omitted although nothing else provides them, by the reason. */
export const LEFT_OUT_APPLETS: Readonly<Record<string, readonly string[]>> = {
  "another program does this here, and both at once would disturb each other": [
    ...["acpid", "klogd", "logread", "syslogd", "watchdog", "mdev", "uevent", "init", "linuxrc", "run-init"],
    ...["resume", "nuke", "svc", "svok", "udhcpc", "udhcpc6"],
  ],
  "it opens the node to the network": ["httpd", "telnetd", "udhcpd", "dumpleases"],
  "it handles packages, and the image is not made of packages when it runs": [
    ...["ar", "dpkg", "dpkg-deb", "rpm", "rpm2cpio"],
  ],
  "the original had none, and nobody misses it": [
    ...["[[", "ascii", "crc32", "cttyhack", "dumpkmap", "freeramdisk", "getfattr", "mim", "ssl_client"],
    ...["ubirename"],
  ],
};
