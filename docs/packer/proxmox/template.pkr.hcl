# A template for Proxmox VE, installed from the ISO. The configuration comes on a second CD, as user data.

packer {
  required_plugins {
    proxmox = {
      version = ">= 1.2.2"
      source  = "github.com/hashicorp/proxmox"
    }
  }
}

variable "node" {
  type        = string
  description = "The node of the cluster that builds the template"
}

variable "iso_file" {
  type        = string
  default     = "local:iso/k3os-amd64.iso"
  description = "The ISO, uploaded before"
}

variable "iso_storage" {
  type        = string
  default     = "local"
  description = "Where the CD with the configuration is put"
}

variable "storage" {
  type    = string
  default = "local-lvm"
}

variable "ssh_private_key_file" {
  type        = string
  default     = "~/.ssh/id_ed25519"
  description = "Belongs to a key in config.yaml"
}

# address and login come from PROXMOX_URL, PROXMOX_USERNAME and PROXMOX_TOKEN of the environment
source "proxmox-iso" "k3os" {
  node          = var.node
  template_name = "k3os"
  os            = "l26"
  cpu_type      = "host"
  cores         = 2
  memory        = 2048
  # first the disk, which is empty until k3OS is installed
  boot            = "order=scsi0;ide2"
  scsi_controller = "virtio-scsi-single"
  qemu_agent      = true
  cloud_init      = true

  cloud_init_storage_pool = var.storage

  boot_iso {
    type     = "ide"
    iso_file = var.iso_file
    unmount  = true
  }

  additional_iso_files {
    iso_storage_pool = var.iso_storage
    unmount          = true
    cd_label         = "cidata"
    cd_content       = { "user-data" = file("${path.root}/config.yaml") }
  }

  disks {
    type         = "scsi"
    disk_size    = "8G"
    storage_pool = var.storage
  }

  network_adapters {
    model  = "virtio"
    bridge = "vmbr0"
  }

  # GRUB's command line: the ISO's entry "k3OS Installer", told where the configuration is
  boot_wait = "5s"
  boot_command = [
    "c<wait>",
    "loopback loop /k3os/system/kernel/current/kernel.squashfs<enter>",
    "linux (loop)/vmlinuz printk.devkmsg=on k3os.mode=install k3os.data_sources=cdrom console=ttyS0 console=tty1<enter>",
    "initrd /k3os/system/kernel/current/initrd<enter>",
    "boot<enter>",
  ]

  ssh_username         = "rancher"
  ssh_private_key_file = pathexpand(var.ssh_private_key_file)
  ssh_timeout          = "30m"
}

build {
  sources = ["source.proxmox-iso.k3os"]

  # the key opens the installer, too; it restarts the machine when it is done
  provisioner "shell" {
    expect_disconnect = true
    inline            = ["while test \"$(cat /run/k3os/mode)\" != local; do sleep 1; done"]
  }

  # each clone begins with data of its own, and grows to its disk
  provisioner "shell" {
    start_retry_timeout = "15m"
    inline = [
      "test \"$(cat /run/k3os/mode)\" = local",
      "sudo mount -o remount,rw,bind /k3os/system",
      "sudo touch /k3os/system/factory-reset /k3os/system/growpart",
      "sync",
    ]
  }
}
