package dev.aerie.target;

import dev.aerie.torch.Tensor;

/**
 * What a draft learns from: states of the target, one row per token, in the target's compute type.
 *
 * @param aux [T, 3·hidden]: the outputs of the captured layers side by side, low to high; null where none were asked for
 * @param last [T, hidden] after the final norm, which is what the lm_head reads
 */
public record HiddenStates(Tensor aux, Tensor last) {}
