/**
 * What is Spark's business alone: the device and the threads of a task, the running tasks of a job, and models that the
 * tasks of one JVM share.
 *
 * <p>Lies above {@code gang}, which knows neither devices nor models, and below the stages that use both.
 */
package dev.aerie.spark;
