package dev.aerie.target;

import dev.aerie.torch.Tensor;

/**
 * The target's states that a draft learns from, one row per token, in the target's compute type.
 *
 * @param aux [T, layers·hidden]: the outputs of the captured layers side by side, low to high; null if no layer was captured
 * @param last [T, hidden]: the states after the final norm, which the lm_head reads
 */
public record HiddenStates(Tensor aux, Tensor last) {}
