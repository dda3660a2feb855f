package wire

// Choke says that the holder answers no requests on the channel until Unchoke; those it has are
// rejected. A channel begins choked.
type Choke struct{ Channel uint32 }

// Unchoke says that the holder answers requests on the channel.
type Unchoke struct{ Channel uint32 }

// Interested says that the wanter would ask for leaves if it were unchoked. A channel begins not
// interested.
type Interested struct{ Channel uint32 }

// NotInterested takes Interested back.
type NotInterested struct{ Channel uint32 }

// Suggest names leaves, perhaps none, that the holder has sent to nobody. The wanter asks this holder for them
// before others, or says with Cancel that it will not. Those that it was suggested before stay so.
type Suggest struct {
	Channel uint32
	Only    bool // until a Suggest says otherwise, requests by index for other leaves are rejected
	Leaves  []Range
}

// Type is TypeChoke.
func (Choke) Type() Type { return TypeChoke }

// Type is TypeUnchoke.
func (Unchoke) Type() Type { return TypeUnchoke }

// Type is TypeInterested.
func (Interested) Type() Type { return TypeInterested }

// Type is TypeNotInterested.
func (NotInterested) Type() Type { return TypeNotInterested }

// Type is TypeSuggest.
func (Suggest) Type() Type { return TypeSuggest }

func (m Choke) appendBody(dst []byte) []byte         { return appendUint(dst, m.Channel) }
func (m Unchoke) appendBody(dst []byte) []byte       { return appendUint(dst, m.Channel) }
func (m Interested) appendBody(dst []byte) []byte    { return appendUint(dst, m.Channel) }
func (m NotInterested) appendBody(dst []byte) []byte { return appendUint(dst, m.Channel) }

func (m Suggest) appendBody(dst []byte) []byte {
	return appendRanges(appendBool(appendUint(dst, m.Channel), m.Only), m.Leaves)
}

func (c *cursor) suggest() Message {
	return Suggest{Channel: c.channel(), Only: c.bool("only"), Leaves: c.rangesOrNone(MaxRanges, MaxRequest)}
}
