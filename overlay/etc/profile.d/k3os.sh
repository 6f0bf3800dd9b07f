export EDITOR="${EDITOR:-vim}"
