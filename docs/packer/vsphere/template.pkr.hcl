# A template for vSphere, installed from the ISO. The configuration comes on a second CD, as user data.

packer {
  required_plugins {
    vsphere = {
      version = ">= 2.0.0"
      source  = "github.com/vmware/vsphere"
    }
  }
}

variable "role" {
  type        = string
  default     = "server"
  description = "server or agent: which of the two configurations"
}

variable "vcenter_server" {
  type = string
}

variable "username" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

variable "cluster" {
  type = string
}

variable "datastore" {
  type = string
}

variable "network" {
  type    = string
  default = "VM Network"
}

variable "iso_path" {
  type        = string
  description = "The ISO, uploaded before: [datastore] folder/k3os-amd64.iso"
}

source "vsphere-iso" "k3os" {
  vcenter_server = var.vcenter_server
  username       = var.username
  password       = var.password
  cluster        = var.cluster
  datastore      = var.datastore

  vm_name             = "k3os-${var.role}"
  guest_os_type       = "otherLinux64Guest"
  firmware            = "bios"
  CPUs                = 2
  RAM                 = 2048
  convert_to_template = true

  disk_controller_type = ["pvscsi"]
  storage {
    disk_size             = 20480
    disk_thin_provisioned = true
  }
  network_adapters {
    network      = var.network
    network_card = "vmxnet3"
  }

  iso_paths    = [var.iso_path]
  cd_label     = "cidata"
  cd_content   = { "user-data" = file("${path.root}/${var.role}.yaml") }
  remove_cdrom = true

  # GRUB's command line: the ISO's entry "k3OS Installer", told where the configuration is
  boot_wait = "5s"
  boot_command = [
    "c<wait>",
    "loopback loop /k3os/system/kernel/current/kernel.squashfs<enter>",
    "linux (loop)/vmlinuz printk.devkmsg=on k3os.mode=install k3os.data_sources=cdrom console=ttyS0 console=tty1<enter>",
    "initrd /k3os/system/kernel/current/initrd<enter>",
    "boot<enter>",
  ]

  # the installer switches the machine off: what becomes the template has never been started
  communicator     = "none"
  disable_shutdown = true
  shutdown_timeout = "30m"
}

build {
  sources = ["source.vsphere-iso.k3os"]
}
