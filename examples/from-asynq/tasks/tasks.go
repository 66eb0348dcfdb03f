// Package tasks is the part of the program that does not change: what there is to
// do, and how.
package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"
)

// TypeEmailDelivery is the type of the tasks that send mail.
const TypeEmailDelivery = "email:deliver"

// EmailDeliveryPayload says who gets which mail.
type EmailDeliveryPayload struct {
	UserID   int
	Template string
}

// NewEmailDeliveryTask makes a task that sends mail.
func NewEmailDeliveryTask(userID int, template string) (*asynq.Task, error) {
	payload, err := json.Marshal(EmailDeliveryPayload{UserID: userID, Template: template})
	if err != nil {
		return nil, err
	}
	return asynq.NewTask(TypeEmailDelivery, payload, asynq.MaxRetry(5)), nil
}

// HandleEmailDeliveryTask sends mail. User 13's mailbox is full.
func HandleEmailDeliveryTask(_ context.Context, t *asynq.Task) error {
	var p EmailDeliveryPayload
	if err := json.Unmarshal(t.Payload(), &p); err != nil {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	if p.UserID == 13 {
		fmt.Printf("  user %d: mailbox full\n", p.UserID)
		return errors.New("mailbox full")
	}
	fmt.Printf("  user %d: %s sent\n", p.UserID, p.Template)
	return nil
}

// NewMux says which handler is for what.
func NewMux() *asynq.ServeMux {
	mux := asynq.NewServeMux()
	mux.HandleFunc(TypeEmailDelivery, HandleEmailDeliveryTask)
	return mux
}

// Enqueuer is what the program needs of a client: asynq's or asynqcompat's.
type Enqueuer interface {
	Enqueue(task *asynq.Task, options ...asynq.Option) (*asynq.TaskInfo, error)
}

// Mail enqueues one mail for each user.
func Mail(client Enqueuer, template string, users []int, options ...asynq.Option) error {
	for _, user := range users {
		task, err := NewEmailDeliveryTask(user, template)
		if err != nil {
			return err
		}
		if _, err := client.Enqueue(task, options...); err != nil {
			return err
		}
	}
	return nil
}
