/* tapir connect: stdin to the peer, the peer to stdout; netcat and s_client of our stack. */
#include "cmd.h"
#include "live.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
	struct session_options o;
	int bad = session_parse(&o, argc, argv);

	return bad ? bad : live_main(&o, argc, argv, true);
}

const struct command cmd_connect = {
	.name = "connect",
	.args = "--tap NAME | --raw IFACE  --addr A/LEN  [OPTION]...  HOST PORT",
	.summary = "stdin to a peer and the peer to stdout: netcat and s_client of our stack",
	.help = "HOST is an IPv4 or IPv6 address: the stack asks no name server. Options stand in front of it.\n"
		"The end of stdin ends our direction: plain with FIN, while the peer may go on; TLS has no\n"
		"half-close, so there the peer gets 2 s of silence before close_notify goes out.\n\n"
		"  --servername N      TLS: the name to ask for and to find in the certificate; default: HOST\n"
		"  --no-name-check     TLS: any name will do\n"
		"\n"
		SESSION_HELP
		"\nExit codes: 0 clean; 1 refused, reset or unreachable; 2 wrong input; 3 TLS or certificate;\n"
		"4 truncated (the peer's end came without close_notify); 5 timeout.\n",
	.run = run,
};
