package dev.aerie.spark;

import java.io.Serializable;

/**
 * What of its executor a task computes with: the recipe's section {@code runtime}.
 *
 * @param threads of one operator on the CPU; 0 for the task's share of the cores
 */
public record TaskResources(DeviceChoice device, int threads) implements Serializable {

    /** @param share threads where the recipe does not say */
    public int threadsOr(int share) {
        return threads > 0 ? threads : share;
    }
}
