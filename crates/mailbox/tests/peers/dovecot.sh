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
# It tells when both answer; the server takes this shell's place.
(
    "${PYTHON:-python3}" - "$pop3" "$imap" <<'ASK'
import socket, sys, time
for port in sys.argv[1:]:
    until = time.monotonic() + 30
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as asked:
                if asked.recv(3) in (b"+OK", b"* O"):
                    break
        except OSError:
            pass
        assert time.monotonic() < until, "dovecot does not answer"
        time.sleep(0.02)
print(*[f"127.0.0.1:{port}" for port in sys.argv[1:]], flush=True)
ASK
) &
exec dovecot -F -c "$run/settings"
