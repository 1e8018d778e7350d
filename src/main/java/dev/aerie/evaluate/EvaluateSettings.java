package dev.aerie.evaluate;

import dev.aerie.host.HostModel;
import dev.aerie.spark.TargetSettings;
import dev.aerie.spark.TaskResources;
import dev.aerie.target.Sampling;
import java.io.Serializable;

/**
 * The settings of an evaluation. The recipe checks the ranges of single values.
 *
 * @param target its dtype is the draft's too; its residency does not change the texts
 * @param draft an exported draft
 * @param draftTokens tokens proposed in each round
 * @param maxNewTokens largest number of new tokens in a text, including the prefill's
 * @param sampling only greedy texts can be compared token by token
 * @param seed of the random numbers for sampling
 */
public record EvaluateSettings(TargetSettings target, HostModel draft, int draftTokens, int maxNewTokens, Sampling sampling,
        long seed,
        TaskResources resources) implements Serializable {}
