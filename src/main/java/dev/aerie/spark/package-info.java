/**
 * The parts that depend on Spark: the device and the threads of a task, the running tasks of a job, and models that the tasks of
 * one JVM share.
 *
 * <p>It is above {@code gang}, which uses neither devices nor models, and below the stages that use both.
 */
package dev.aerie.spark;
