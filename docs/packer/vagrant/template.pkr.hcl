# Boxes for Vagrant, installed from the ISO: for VirtualBox, and for libvirt by QEMU. Packer serves the configuration.

packer {
  required_plugins {
    virtualbox = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/virtualbox"
    }
    qemu = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/qemu"
    }
    vagrant = {
      version = ">= 1.1.4"
      source  = "github.com/hashicorp/vagrant"
    }
  }
}

variable "iso_url" {
  type        = string
  default     = "../../../dist/artifacts/k3os-amd64.iso"
  description = "Path or URL of the ISO"
}

variable "iso_checksum" {
  type        = string
  default     = "file:../../../dist/artifacts/sha256sum-amd64.txt"
  description = "Its digest, or the list of the release that has it"
}

locals {
  # GRUB's command line: the ISO's entry "k3OS Installer", told what to install and where from
  start = [
    "c<wait>",
    "loopback loop /k3os/system/kernel/current/kernel.squashfs<enter>",
    "linux (loop)/vmlinuz printk.devkmsg=on k3os.mode=install k3os.install.silent=true",
    " k3os.install.config_url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/config.yaml",
  ]
  finish = [
    " console=ttyS0 console=tty1<enter>",
    "initrd /k3os/system/kernel/current/initrd<enter>",
    "boot<enter>",
  ]
}

source "virtualbox-iso" "k3os" {
  iso_url      = var.iso_url
  iso_checksum = var.iso_checksum

  guest_os_type        = "Linux_64"
  guest_additions_mode = "disable"
  hard_drive_interface = "sata"
  cpus                 = 2
  memory               = 2048
  disk_size            = 20000
  headless             = true

  http_content = { "/config.yaml" = file("${path.root}/config.yaml") }
  boot_wait    = "5s"
  boot_command = concat(local.start, [" k3os.install.device=/dev/sda k3os.install.power_off=true"], local.finish)

  # the installer switches the machine off: what is packed has never been started
  communicator     = "none"
  disable_shutdown = true
  shutdown_timeout = "30m"
}

source "qemu" "k3os" {
  iso_url      = var.iso_url
  iso_checksum = var.iso_checksum

  accelerator    = "kvm"
  cpus           = 2
  memory         = 2048
  disk_interface = "virtio"
  disk_size      = "20G"
  format         = "qcow2"
  headless       = true
  qemuargs       = [["-cpu", "host"]]

  http_content = { "/config.yaml" = file("${path.root}/config.yaml") }
  boot_wait    = "5s"
  boot_command = concat(local.start, [" k3os.install.device=/dev/vda"], local.finish)

  # QEMU's builder stops a machine at once that it cannot log in to; the installed system is the first that takes the key
  ssh_username         = "rancher"
  ssh_private_key_file = pathexpand("~/.vagrant.d/insecure_private_key")
  ssh_timeout          = "30m"
  shutdown_command     = "sudo systemctl poweroff"
}

build {
  sources = ["source.virtualbox-iso.k3os", "source.qemu.k3os"]

  # each box begins with data of its own
  provisioner "shell" {
    only = ["qemu.k3os"]
    inline = [
      "test \"$(cat /run/k3os/mode)\" = local",
      "sudo mount -o remount,rw,bind /k3os/system",
      "sudo touch /k3os/system/factory-reset /k3os/system/growpart",
    ]
  }

  post-processor "vagrant" {
    output               = "k3os-{{ .Provider }}.box"
    vagrantfile_template = "${path.root}/vagrantfile"
  }
}
