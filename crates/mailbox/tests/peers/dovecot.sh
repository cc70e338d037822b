#!/bin/sh
# A dovecot of its own, as root, for the letters of a Maildir: POP3 and IMAP,
# at free ports. Prints both addresses when it is ready. Usage:
# dovecot.sh MAILDIR
set -e
mail=$1
home=$(dirname "$mail")
run=$home/dovecot
mkdir -p "$run"
chmod 755 "$home"
chown -R nobody "$mail"
echo 'bob:{PLAIN}secret' >"$run/users"
free() {
    "${PYTHON:-python3}" -c 'import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*[one.getsockname()[1] for one in taken])'
}
ports=$(free)
pop3=${ports% *}
imap=${ports#* }
cat >"$run/settings" <<SETTINGS
protocols = pop3 imap
listen = 127.0.0.1
base_dir = $run
state_dir = $run
log_path = $run/log
ssl = no
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:$mail
pop3_uidl_format = %f
passdb {
  driver = passwd-file
  args = $run/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$home
}
service pop3-login {
  inet_listener pop3 {
    port = $pop3
  }
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
}
SETTINGS
# Its log says when it listens; the server takes this shell's place.
: >"$run/log"
tail -n +1 -f --pid=$$ "$run/log" |
    sed -un "s/.*starting up for.*/127.0.0.1:$pop3 127.0.0.1:$imap/p" &
exec dovecot -F -c "$run/settings"
