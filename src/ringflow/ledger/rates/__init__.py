"""What calls are sold and bought for: rate cards, quotes, and carriers' sheets."""
