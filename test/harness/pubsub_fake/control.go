package main

import (
	"encoding/json"
	"net/http"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/protobuf/types/known/emptypb"
)

// What the test sees of a message.
type seen struct {
	MessageID   string            `json:"message_id"`
	Topic       string            `json:"topic"`
	OrderingKey string            `json:"ordering_key"`
	Attributes  map[string]string `json:"attributes"`
	Data        []byte            `json:"data"`
	Deliveries  int               `json:"deliveries"`
	Acks        int               `json:"acks"`
	Extensions  int               `json:"extensions"`
	Nacks       int               `json:"nacks"`
}

func routes(fake *pstest.Server, faults *faults) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /messages", func(w http.ResponseWriter, r *http.Request) {
		found := []seen{}
		for _, message := range fake.Messages() {
			found = append(found, see(message))
		}
		w.Header().Set("content-type", "application/json")
		_ = json.NewEncoder(w).Encode(found)
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "application/json")
		_ = json.NewEncoder(w).Encode(faults.left())
	})
	mux.HandleFunc("POST /faults", take(faults.add))
	mux.HandleFunc("POST /down", take(faults.setDown))
	mux.HandleFunc("POST /stall", take(faults.stall))
	mux.HandleFunc("POST /duplicate_every", take(faults.setDuplicateEvery))
	return mux
}

func see(message *pstest.Message) seen {
	nacks := 0
	for _, modack := range message.Modacks {
		if modack.AckDeadline == 0 {
			nacks++
		}
	}
	return seen{
		MessageID:   message.ID,
		Topic:       message.Topic,
		OrderingKey: message.OrderingKey,
		Attributes:  message.Attributes,
		Data:        message.Data,
		Deliveries:  message.Deliveries,
		Acks:        message.Acks,
		Extensions:  len(message.Modacks) - nacks,
		Nacks:       nacks,
	}
}

func take[Body any](do func(Body)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body Body
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		do(body)
		w.WriteHeader(http.StatusNoContent)
	}
}

func emptyAnswer(method string) any {
	switch method {
	case "Publish":
		return &pb.PublishResponse{}
	case "Pull":
		return &pb.PullResponse{}
	default:
		return &emptypb.Empty{}
	}
}
