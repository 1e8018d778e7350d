/**
 * The mains: the only place that reads a recipe and wires objects together.
 */
package dev.aerie.jobs;
