package media

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is how a camera was held, 1 to 8 as EXIF numbers it: it is lost with the
// rest of the metadata, so it has to be drawn. What cannot be read counts as upright.
func orientation(data []byte) int {
	const upright, tag, short, entrySize = 1, 0x0112, 3, 12
	tiff := exif(data)
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int(order.Uint32(tiff[4:8]))
	if at < 8 || at+2 > len(tiff) {
		return upright
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entrySize {
			break
		}
		if value := order.Uint16(entries[8:]); order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short && value >= 1 && value <= 8 {
			return int(value)
		}
		entries = entries[entrySize:]
	}
	return upright
}

// exif is the TIFF structure in the APP1 segment of a JPEG.
func exif(data []byte) []byte {
	const app1, startOfScan = 0xe1, 0xda
	if !begins("\xff\xd8")(data) {
		return nil
	}
	for data = data[2:]; len(data) >= 4 && data[0] == 0xff && data[1] != startOfScan; {
		size := int(binary.BigEndian.Uint16(data[2:]))
		if size < 2 || 2+size > len(data) {
			return nil
		}
		if tiff, ok := bytes.CutPrefix(data[4:2+size], []byte("Exif\x00\x00")); ok && data[1] == app1 {
			return tiff
		}
		data = data[2+size:]
	}
	return nil
}

// turned is the image as the camera saw it.
func turned(src *image.RGBA, orientation int) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	if orientation == 1 {
		return src
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			u, v := x, y
			switch orientation {
			case 2:
				u = w - 1 - x
			case 3:
				u, v = w-1-x, h-1-y
			case 4:
				v = h - 1 - y
			case 5:
				u, v = y, x
			case 6:
				u, v = h-1-y, x
			case 7:
				u, v = h-1-y, w-1-x
			case 8:
				u, v = y, w-1-x
			}
			dst.SetRGBA(u, v, src.RGBAAt(x, y))
		}
	}
	return dst
}
