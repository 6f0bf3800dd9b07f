#!/bin/sh
# Called by the configuration's own commands at the end of a phase: writes which keys are in effect, one `KEY yes|no` a
# line, and, before another phase follows, undoes them all, so that the next one has to apply its keys itself.
phase=$1
[ -e /var/lib/probe/done ] && exit
out=/var/lib/probe/$phase

has() { grep -qF -- "$2" "$1" 2>/dev/null; }
unit=/etc/systemd/system/k3s-service.service
secrets=/etc/rancher/k3s/k3s-service.env
options=/etc/rancher/k3s/config.yaml.d/50-k3os.yaml
registries=/etc/rancher/k3s/registries.yaml
keys=/home/rancher/.ssh/authorized_keys

check() {
  key=$1
  shift
  if "$@"; then echo "$key yes"; else echo "$key no"; fi
}

named() { [ "$(cat /proc/sys/kernel/hostname)" = probed ] && has /etc/hostname probed; }
owned() { [ "$(cat /etc/probe.conf 2>/dev/null)" = probe ] && [ "$(stat -c '%a %U:%G' /etc/probe.conf)" = "640 root:sudo" ]; }
# commands of the configuration are given the variable, so it is taken out first
set_as_given() { [ "$(unset PROBE && . /etc/environment 2>/dev/null && echo "$PROBE")" = 'a $b' ]; }
swappy() { [ "$(cat /proc/sys/vm/swappiness)" = 7 ]; }

{
  check ssh_authorized_keys has $keys k3os-test
  check write_files owned
  check hostname named
  check init_cmd [ -e /run/probe-init ]
  check boot_cmd [ -e /run/probe-boot ]
  check run_cmd [ -e /run/probe-run ]
  check k3os.data_sources has /etc/conf.d/cloud-config "file=/var/lib/probe/no-userdata"
  check k3os.modules [ -e /sys/block/ram1 ]
  check k3os.sysctls swappy
  check k3os.timezone [ "$(readlink /etc/localtime)" = /usr/share/zoneinfo/US/Pacific ]
  check k3os.ntp_servers has /etc/connman/main.conf FallbackTimeservers=ntp.example
  check k3os.dns_nameservers has /etc/connman/main.conf FallbackNameservers=192.0.2.53
  check k3os.wifi has /var/lib/connman/cloud-config.config Name=probe-net
  check k3os.password grep -q '^rancher:\$6\$probe\$' /etc/shadow
  check k3os.server_url has $secrets 'K3S_URL="https://server.example:6443"'
  check k3os.token has $secrets 'K3S_TOKEN="probe-token"'
  check k3os.labels has $unit "--node-label probe=yes"
  check k3os.k3s_args has $unit "k3s agent --with-node-id"
  check k3os.environment set_as_given
  check k3os.ssh_keys_refresh has /etc/systemd/system/k3os-ssh-keys.timer.d/50-k3os-config.conf OnUnitActiveSec=7200
  check k3os.k3s_config has $options max-pods=42
  check k3os.registries.mirrors has $registries https://mirror.example
  check k3os.registries.configs has $registries probe-puller
  check k3os.taints has $unit "--kubelet-arg register-with-taints=probe=yes:NoSchedule"
} >"$out"

[ "$phase" = runtime ] && exit
rm -f $keys /etc/probe.conf /etc/hostname /run/probe-* /etc/conf.d/cloud-config /etc/sysctl.d/95-k3os-config.conf \
  /etc/connman/main.conf /etc/systemd/timesyncd.conf.d/50-k3os-config.conf /var/lib/connman/cloud-config.config \
  /etc/localtime $secrets $unit $options $registries /etc/systemd/system/k3os-ssh-keys.timer.d/50-k3os-config.conf
sed -i '/^PROBE=/d' /etc/environment
echo undone >/proc/sys/kernel/hostname
echo 60 >/proc/sys/vm/swappiness
rmmod brd
sed -i 's/^rancher:[^:]*/rancher:!/' /etc/shadow
