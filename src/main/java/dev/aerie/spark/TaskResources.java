package dev.aerie.spark;

import java.io.Serializable;

/**
 * The resources of a task: the recipe's section {@code runtime}.
 *
 * @param threads of one operator on the CPU; 0 for the task's share of the cores
 */
public record TaskResources(DeviceChoice device, int threads) implements Serializable {

    /** @param share number of threads if the recipe sets none */
    public int threadsOr(int share) {
        return threads > 0 ? threads : share;
    }
}
