# An AMI: Debian's is started, taken over, and switches itself off when the old system is gone.

packer {
  required_plugins {
    amazon = {
      version = ">= 1.3.0"
      source  = "github.com/hashicorp/amazon"
    }
  }
}

variable "arch" {
  type        = string
  default     = "amd64"
  description = "amd64 or arm64"
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "release" {
  type        = string
  default     = "https://github.com/k3os/k3os/releases/latest/download"
  description = "Where install.sh and the ISO are"
}

variable "options" {
  type        = string
  default     = ""
  description = "More options of install.sh, such as --key for a release of your own"
}

locals {
  instance_types = { amd64 = "t3.small", arm64 = "t4g.small" }
}

source "amazon-ebs" "k3os" {
  ami_name      = "k3os-${var.arch}-{{timestamp}}"
  region        = var.region
  instance_type = local.instance_types[var.arch]
  ssh_username  = "admin"
  # the machine is switched off by the takeover: nobody else may do it before
  disable_stop_instance = true

  source_ami_filter {
    filters = {
      name                = "debian-13-${var.arch}-*"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
    owners      = ["136693071363"] # Debian
    most_recent = true
  }
}

build {
  sources = ["source.amazon-ebs.k3os"]

  provisioner "file" {
    source      = "${path.root}/config.yaml"
    destination = "/tmp/config.yaml"
  }

  provisioner "shell" {
    inline = [
      "curl -sfLo /tmp/install.sh ${var.release}/install.sh",
      "sudo bash /tmp/install.sh --takeover --poweroff --tty ttyS0 --config /tmp/config.yaml ${var.options} \"$(findmnt -no SOURCE /)\" ${var.release}/k3os-${var.arch}.iso",
    ]
  }

  provisioner "shell" {
    expect_disconnect = true
    inline            = ["sudo reboot"]
  }
}
