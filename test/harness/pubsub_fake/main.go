// Google's own Pub/Sub fake as a process: prints where it listens as one line of JSON, and ends with its standard input. Its argument
// is the address to listen on; without it, it takes a free port.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
)

// Pub/Sub's own limit of a request is 10 MB; gRPC's default is 4 MB.
const maxRequestBytes = 20 << 20

const anyPort = "127.0.0.1:0"

func main() {
	fake := pstest.NewServerWithAddress(anyPort)
	faults := &faults{up: make(chan struct{})}
	// A server of our own in front of the fake, for its interceptors: the fake's has none.
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxRequestBytes),
		grpc.UnaryInterceptor(faults.unary),
		grpc.StreamInterceptor(faults.stream),
	)
	pb.RegisterPublisherServer(server, &fake.GServer)
	pb.RegisterSubscriberServer(server, &fake.GServer)
	pb.RegisterSchemaServiceServer(server, &fake.GServer)
	address := anyPort
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	pubsub, control := listen(address), listen(anyPort)
	go func() { log.Fatal(server.Serve(pubsub)) }()
	go func() { log.Fatal(http.Serve(control, routes(fake, faults))) }()
	must(json.NewEncoder(os.Stdout).Encode(map[string]string{
		"address": pubsub.Addr().String(),
		"control": "http://" + control.Addr().String(),
	}))
	_, err := io.Copy(io.Discard, os.Stdin)
	must(err)
}

func listen(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	must(err)
	return listener
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
