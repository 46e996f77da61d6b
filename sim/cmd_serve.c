/* tapir serve: a server of our stack on a TAP device or a raw socket. */
#include "cmd.h"
#include "live.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
	struct session_options o;
	int bad = session_parse(&o, argc, argv);

	return bad ? bad : live_main(&o, argc, argv, false);
}

const struct command cmd_serve = {
	.name = "serve",
	.args = "--tap NAME | --raw IFACE  --addr A/LEN  --port P  --app NAME  [OPTION]...",
	.summary = "a server of our stack on a TAP device or, through a raw socket, on an interface",
	.help = "  --port P            the port to listen on\n"
		"  --app NAME          echo, discard, chargen (RFC 862 to 864), http (files), or welcome\n"
		"                      (the networking lab: tells the peer's certificate, says welcome)\n"
		"  --root DIR          http: the directory of the files\n"
		"  --count N           end after N connections; the exit code is the first failed one's\n"
		"  --require-client-cert | --request-client-cert\n"
		"                      TLS: ask clients for a certificate, checked by --cacert\n"
		"\n"
		SESSION_HELP
		"\nThe kernel's side of a TAP is yours to set, e.g. `ip addr add 10.0.0.1/24 dev tap0`.\n"
		"SIGINT ends in order. Exit codes: 0 done; 1 refused or reset, 3 TLS, 4 truncated, 5 timeout\n"
		"(with --count); 2 wrong input.\n",
	.run = run,
};
