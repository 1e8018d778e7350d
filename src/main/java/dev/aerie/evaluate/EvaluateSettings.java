package dev.aerie.evaluate;

import dev.aerie.host.HostModel;
import dev.aerie.spark.TargetSettings;
import dev.aerie.spark.TaskResources;
import dev.aerie.target.Sampling;
import java.io.Serializable;

/**
 * What one evaluation does. Ranges of single values are the recipe's business.
 *
 * @param target the draft computes in its dtype too; the texts do not depend on its residency
 * @param draft an exported draft
 * @param draftTokens proposed in each round
 * @param maxNewTokens of each text, the prefill's token included
 * @param sampling greedy texts alone can be compared token for token
 * @param seed of what is drawn when sampling
 */
public record EvaluateSettings(TargetSettings target, HostModel draft, int draftTokens, int maxNewTokens, Sampling sampling, long seed,
        TaskResources resources) implements Serializable {}
