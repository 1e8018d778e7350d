package dev.aerie.gang;

import java.io.Serializable;

/**
 * The work of each rank. It is serialized and sent to the executors. A later attempt runs it again from the start, so a body that
 * can resume must determine for itself where.
 *
 * <p>A {@link dev.aerie.errors.RefusalException} is not retried unless it was caused by an I/O error; all other failures are.
 *
 * @param <M> type of the reports to the driver
 */
@FunctionalInterface
public interface RankBody<M, R extends Serializable> extends Serializable {

    R run(RankContext<M> context) throws Exception;
}
