package drayhorse_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse"
)

// Charge takes the money for an order, once.
type Charge struct {
	OrderID string `json:"order_id"`
}

func (Charge) Kind() string { return "charge" }

func (c Charge) Options() []drayhorse.Option {
	return []drayhorse.Option{drayhorse.Queue("billing"), drayhorse.MaxAttempts(5), drayhorse.ID("charge-" + c.OrderID)}
}

// What belongs to a kind is said once, beside it; options of a call win.
func ExampleArgsWithOptions() {
	s, err := drayhorse.ResolveArgs(Charge{OrderID: "7"}, drayhorse.MaxAttempts(10))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Queue, s.ID, s.MaxAttempts)
	// Output: billing charge-7 10
}

// A producer of another version sends arguments that the handler's type cannot take.
func ExampleArgsError() {
	_, err := drayhorse.Decode[Charge](&drayhorse.Job[json.RawMessage]{Kind: "charge", Args: json.RawMessage(`{"order_id": 7}`)})
	if wrong, ok := errors.AsType[*drayhorse.ArgsError](err); ok {
		fmt.Println(wrong.Field)
	}
	fmt.Println(err)
	// Output:
	// order_id
	// arguments of kind "charge" do not fit drayhorse_test.Charge: field "order_id" is a JSON number; want string
}
