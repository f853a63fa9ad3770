"""The second line through the house: lanes side by side, fused, reranked, narrowed to the moment that matched."""
