/**
 * Removes conversations between reading and tokenising, in functions of Spark SQL alone, so that Spark RAPIDS can take every
 * operator.
 */
package dev.aerie.clean;
