//go:build !linux

package disk

import "errors"

func mount(string, string) (unmount func() error, err error) { return nil, errors.ErrUnsupported }
