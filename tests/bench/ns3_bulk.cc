// The same bulk transfer in ns-3: two hosts, one link, drop-tail queue of one bandwidth-delay
// product, loss on the data's direction. Timers and windows as Linux has them: with ns-3's own
// delayed-ACK timer of 200 ms and a minimum RTO of 200 ms, one loss of a lone segment never ends.
//
// Prints one line: cpu= seconds of the run alone (user and system, without the set-up),
// frames= link transmissions both ways, virtual= seconds, goodput= Mbit/s.
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/traffic-control-module.h>

#include <cstdio>
#include <sys/resource.h>

using namespace ns3;

struct Counts {
	uint64_t want = 0, received = 0, frames = 0, lost = 0;
	double doneAt = -1;
};

static Counts counts;

static void Received(Ptr<const Packet> p, const Address &)
{
	counts.received += p->GetSize();
	if (counts.received < counts.want || counts.doneAt >= 0)
		return;
	counts.doneAt = Simulator::Now().GetSeconds();
	Simulator::Stop();
}

static void Sent(Ptr<const Packet>)
{
	counts.frames++;
}

static void Lost(Ptr<const Packet>)
{
	counts.lost++;
}

static double CpuSeconds()
{
	rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void Defaults(const std::string &cc, uint32_t buffer)
{
	const TypeId algorithm = TypeId::LookupByName("ns3::" + cc);

	Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(algorithm));
	Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
	Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
	Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(buffer));
	Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(buffer));
	Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));
	Config::SetDefault("ns3::TcpSocket::DelAckTimeout", TimeValue(MilliSeconds(40)));
}

static NetDeviceContainer Link(const NodeContainer &hosts, const std::string &rate,
			       const std::string &delay, double loss)
{
	PointToPointHelper link;
	double bdp = DataRate(rate).GetBitRate() / 8.0 * 2 * Time(delay).GetSeconds() / 1500;

	link.SetDeviceAttribute("DataRate", StringValue(rate));
	link.SetChannelAttribute("Delay", StringValue(delay));
	link.SetQueue("ns3::DropTailQueue", "MaxSize",
		      StringValue(std::to_string(uint32_t(bdp)) + "p"));

	NetDeviceContainer ends = link.Install(hosts);

	if (loss > 0) {
		Ptr<RateErrorModel> model = CreateObject<RateErrorModel>();

		model->SetUnit(RateErrorModel::ERROR_UNIT_PACKET);
		model->SetRate(loss);
		model->AssignStreams(100);
		ends.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(model));
	}
	return ends;
}

int main(int argc, char **argv)
{
	std::string rate = "100Mbps", delay = "10ms", cc = "TcpCubic";
	uint64_t bytes = 100000000;
	uint32_t seed = 1, buffer = 4u << 20;
	double loss = 0;
	CommandLine cmd;

	cmd.AddValue("rate", "of the link", rate);
	cmd.AddValue("delay", "one way", delay);
	cmd.AddValue("cc", "TcpCubic, TcpLinuxReno", cc);
	cmd.AddValue("loss", "probability, towards the receiver", loss);
	cmd.AddValue("bytes", "to move", bytes);
	cmd.AddValue("buffer", "of the sockets", buffer);
	cmd.AddValue("seed", "run number", seed);
	cmd.Parse(argc, argv);

	RngSeedManager::SetRun(seed);
	Defaults(cc, buffer);
	counts.want = bytes;

	NodeContainer hosts;
	hosts.Create(2);
	NetDeviceContainer ends = Link(hosts, rate, delay, loss);

	InternetStackHelper internet;
	internet.SetIpv6StackInstall(false);
	internet.Install(hosts);
	Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
	Ipv4InterfaceContainer at = addresses.Assign(ends);
	TrafficControlHelper().Uninstall(ends); // the device's queue is the only one

	BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(at.GetAddress(1), 5001));
	source.SetAttribute("MaxBytes", UintegerValue(bytes));
	source.SetAttribute("SendSize", UintegerValue(65536)); // a small one costs ns-3 more
	source.Install(hosts.Get(0)).Start(Seconds(0));
	PacketSinkHelper sink("ns3::TcpSocketFactory",
			      InetSocketAddress(Ipv4Address::GetAny(), 5001));
	sink.Install(hosts.Get(1)).Get(0)->TraceConnectWithoutContext("Rx", MakeCallback(&Received));
	for (uint32_t i = 0; i < 2; i++) {
		ends.Get(i)->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&Sent));
		ends.Get(i)->TraceConnectWithoutContext("PhyRxDrop", MakeCallback(&Lost));
	}

	double before = CpuSeconds();

	Simulator::Run();

	double cpu = CpuSeconds() - before;

	std::printf("cpu=%.4f frames=%llu lost=%llu virtual=%.6f goodput=%.3f\n", cpu,
		    (unsigned long long)counts.frames, (unsigned long long)counts.lost, counts.doneAt,
		    counts.received * 8 / counts.doneAt / 1e6);
	Simulator::Destroy();
	return counts.received >= bytes ? 0 : 1;
}
