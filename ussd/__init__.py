"""The citizen's menu over USSD: dialects in, pure screens, pages that fit the radio out."""
