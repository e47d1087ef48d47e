package main

import (
	"context"
	"strings"
	"sync"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What goes wrong with some calls of one method.
type fault struct {
	// Publish, Acknowledge, ModifyAckDeadline, …
	Method string `json:"method"`
	// Of gRPC; OK: the answer is as if all were well.
	Code codes.Code `json:"code"`
	// Whether it is carried out all the same, and only the answer is wrong.
	Done bool `json:"done"`
	// How many calls pass before it.
	Skip int `json:"skip"`
	// How many calls it befalls.
	Times int `json:"times"`
	// Only calls with a message of this ordering key; empty: all.
	OrderingKey string `json:"ordering_key"`
}

func (f *fault) concerns(method string, request any) bool {
	if f.Method != method || f.Times == 0 {
		return false
	}
	publish, ok := request.(*pb.PublishRequest)
	if !ok || f.OrderingKey == "" {
		return true
	}
	for _, message := range publish.Messages {
		if message.OrderingKey == f.OrderingKey {
			return true
		}
	}
	return false
}

type faults struct {
	mu     sync.Mutex
	faults []*fault
	// Closed when stalled streams go on; nil: no stream stalls.
	stalled chan struct{}
	// Closed when it goes down; nil: it is down.
	up chan struct{}
	// Each so manieth message is sent twice; 0: none.
	duplicateEvery int
	sent           int
}

func (f *faults) add(added fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &added)
}

// How many calls are still to be befallen.
func (f *faults) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := 0
	for _, one := range f.faults {
		left += one.Times
	}
	return left
}

func (f *faults) take(method string, request any) *fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.faults {
		if !one.concerns(method, request) {
			continue
		}
		if one.Skip > 0 {
			one.Skip--
			continue
		}
		one.Times--
		return one
	}
	return nil
}

func (f *faults) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if f.upUntil() == nil {
		return nil, errDown
	}
	method := info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:]
	one := f.take(method, request)
	if one == nil {
		return next(ctx, request)
	}
	if one.Done {
		if _, err := next(ctx, request); err != nil {
			return nil, err
		}
	}
	if one.Code == codes.OK {
		return emptyAnswer(method), nil
	}
	return nil, status.Error(one.Code, "injected by the test")
}

// Streams that are open stall as well as new ones: they neither hear nor say anything.
func (f *faults) stall(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if on && f.stalled == nil {
		f.stalled = make(chan struct{})
	} else if !on && f.stalled != nil {
		close(f.stalled)
		f.stalled = nil
	}
}

func (f *faults) stallsUntil() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stalled
}

// Down, it refuses every call, and ends the streams.
func (f *faults) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if down && f.up != nil {
		close(f.up)
		f.up = nil
	} else if !down && f.up == nil {
		f.up = make(chan struct{})
	}
}

func (f *faults) upUntil() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.up
}

var errDown = status.Error(codes.Unavailable, "down, says the test")

func (f *faults) setDuplicateEvery(messages int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.duplicateEvery = messages
}

func (f *faults) isDuplicated() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	return f.duplicateEvery > 0 && f.sent%f.duplicateEvery == 0
}

func (f *faults) stream(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	up := f.upUntil()
	if up == nil {
		return errDown
	}
	ended := make(chan error, 1)
	go func() { ended <- next(server, &faultyStream{stream, f}) }()
	select {
	case err := <-ended:
		return err
	case <-up:
		return errDown
	}
}

type faultyStream struct {
	grpc.ServerStream
	faults *faults
}

func (s *faultyStream) waitWhileStalled() error {
	stalled := s.faults.stallsUntil()
	if stalled == nil {
		return nil
	}
	select {
	case <-stalled:
		return nil
	case <-s.Context().Done():
		return s.Context().Err()
	}
}

func (s *faultyStream) SendMsg(message any) error {
	if err := s.waitWhileStalled(); err != nil {
		return err
	}
	if err := s.ServerStream.SendMsg(message); err != nil {
		return err
	}
	if pulled, ok := message.(*pb.StreamingPullResponse); ok && len(pulled.ReceivedMessages) > 0 && s.faults.isDuplicated() {
		return s.ServerStream.SendMsg(message)
	}
	return nil
}

// The first request, which opens the stream, is heard: it is what comes after it that a stalled stream does not answer.
func (s *faultyStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	if pull, ok := message.(*pb.StreamingPullRequest); ok && pull.Subscription == "" {
		return s.waitWhileStalled()
	}
	return nil
}
