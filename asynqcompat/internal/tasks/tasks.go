// Package tasks is an asynq program's package of tasks and handlers, as asynq's own
// guide lays one out. It knows nothing of Drayhorse: tests run it on both.
package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/hibiken/asynq"
)

// The types of tasks.
const (
	TypeEmailDelivery = "email:deliver"
	TypeImageResize   = "image:resize"
	TypeImageWidth    = "image:resize:width"
	TypeBroken        = "broken"
)

// EmailDeliveryPayload says which mail goes to whom.
type EmailDeliveryPayload struct {
	UserID     int
	TemplateID string
}

// ImageResizePayload says which image is to be made smaller.
type ImageResizePayload struct {
	SourceURL string
}

// NewEmailDeliveryTask makes a task.
func NewEmailDeliveryTask(userID int, template string) (*asynq.Task, error) {
	payload, err := json.Marshal(EmailDeliveryPayload{UserID: userID, TemplateID: template})
	if err != nil {
		return nil, err
	}
	return asynq.NewTask(TypeEmailDelivery, payload), nil
}

// NewImageResizeTask makes a task with options of its own.
func NewImageResizeTask(source string) (*asynq.Task, error) {
	payload, err := json.Marshal(ImageResizePayload{SourceURL: source})
	if err != nil {
		return nil, err
	}
	return asynq.NewTask(TypeImageResize, payload, asynq.MaxRetry(2)), nil
}

// Log is what the handlers did, by task.
type Log struct {
	mu    sync.Mutex
	lines map[string][]string
}

// Add notes what was done for a task.
func (l *Log) Add(task, format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil {
		l.lines = map[string][]string{}
	}
	l.lines[task] = append(l.lines[task], fmt.Sprintf(format, values...))
}

// Lines gives what was done for a task.
func (l *Log) Lines(task string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[task]
}

// ImageProcessor implements asynq.Handler. Images from "flaky" fail once, images from
// "gone" for ever.
type ImageProcessor struct{ Log *Log }

// ProcessTask resizes an image.
func (p *ImageProcessor) ProcessTask(_ context.Context, t *asynq.Task) error {
	var payload ImageResizePayload
	if err := json.Unmarshal(t.Payload(), &payload); err != nil {
		return fmt.Errorf("json.Unmarshal failed: %w: %w", err, asynq.SkipRetry)
	}
	p.Log.Add(payload.SourceURL, "resize as %s", t.Type())
	switch {
	case payload.SourceURL == "gone":
		return errors.New("404")
	case payload.SourceURL == "flaky" && len(p.Log.Lines(payload.SourceURL)) == 1:
		return errors.New("503")
	}
	return nil
}

// NewMux makes the mux of the program, with middleware that notes what comes back.
func NewMux(log *Log) *asynq.ServeMux {
	mux := asynq.NewServeMux()
	mux.Use(func(next asynq.Handler) asynq.Handler {
		return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
			err := next.ProcessTask(ctx, t)
			if err != nil {
				log.Add("errors", "%s: %v", t.Type(), err)
			}
			return err
		})
	})
	mux.Handle(TypeImageResize, &ImageProcessor{Log: log})
	mux.HandleFunc(TypeEmailDelivery, func(_ context.Context, t *asynq.Task) error {
		var p EmailDeliveryPayload
		if err := json.Unmarshal(t.Payload(), &p); err != nil {
			return fmt.Errorf("json.Unmarshal failed: %w: %w", err, asynq.SkipRetry)
		}
		log.Add(p.TemplateID, "mail to %d", p.UserID)
		if p.TemplateID == "withdrawn" {
			return fmt.Errorf("template %s: %w", p.TemplateID, asynq.RevokeTask)
		}
		return nil
	})
	mux.HandleFunc(TypeBroken, func(_ context.Context, t *asynq.Task) error {
		log.Add("broken", "%x", t.Payload())
		panic("nil map, or so")
	})
	return mux
}
