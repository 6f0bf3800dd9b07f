# /etc/bash.bashrc: for interactive shells of bash
[ -n "${PS1-}" ] || return

if [ "$(id -u)" -eq 0 ]; then
  PS1='\[\e[31m\]\h [\W]#\[\e[0m\] '
else
  PS1='\[\e[32m\]\h [\W]$\[\e[0m\] '
fi

shopt -s checkwinsize

if [ -r /usr/share/bash-completion/bash_completion ]; then
  . /usr/share/bash-completion/bash_completion
fi
